// SPDX-License-Identifier: Apache-2.0
// The only place that knows which version of Catch2 is used.
#pragma once

#include <catch2/catch.hpp>
