// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace skylark {

using ErrorCode = boost::system::error_code;

/// A value, or the reason why there is none. For errors of the world (disk, peer, operator), never for bugs.
template <class T = void>
using Result = boost::system::result<T>;

}  // namespace skylark
