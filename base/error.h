// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace skylark {

/// Failures that several modules share. Numbers are stable: they show up in logs and counters.
enum class Errc {
  malformed = 1,          ///< Bytes of a peer or a file that break their format.
  missing_field = 2,      ///< A required header field is absent.
  too_large = 3,          ///< Over a configured bound.
  timed_out = 4,          ///< No answer before the deadline.
  closed = 5,             ///< The connection, service or store was closed first.
  cannot_connect = 6,     ///< The peer refused or could not be reached.
  read_only = 7,          ///< Replica, or disk above its mark, or an earlier flush failed.
  no_space = 8,           ///< The disk could not give the space asked for.
  io_error = 9,           ///< The disk answered a read, write or flush with an error.
  not_found = 10,         ///< The thing asked for does not exist.
  out_of_range = 11,      ///< An offset or number outside of what exists.
  busy = 12,              ///< A bounded queue is full; try again later.
  already_running = 13,   ///< Another process holds the lock.
  invalid_argument = 14,  ///< A value that the caller must change.
};

ErrorCode make_error_code(Errc error) noexcept;

}  // namespace skylark

template <>
struct boost::system::is_error_code_enum<skylark::Errc> : std::true_type {};
