// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

namespace skylark::client {

/// Coroutine forms return this. They may be awaited on any executor, and resume on the awaiting one.
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace skylark::client
