// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace skylark {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "skylark"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::malformed: return "malformed";
      case Errc::missing_field: return "a required field is missing";
      case Errc::too_large: return "too large";
      case Errc::timed_out: return "timed out";
      case Errc::closed: return "closed";
      case Errc::cannot_connect: return "cannot connect";
      case Errc::read_only: return "read only";
      case Errc::no_space: return "no space left";
      case Errc::io_error: return "input/output error";
      case Errc::not_found: return "not found";
      case Errc::out_of_range: return "out of range";
      case Errc::busy: return "busy";
      case Errc::already_running: return "already running";
      case Errc::invalid_argument: return "invalid argument";
    }
    return "unknown error";
  }
};

}  // namespace

ErrorCode make_error_code(Errc error) noexcept {
  static const Category category;
  return {static_cast<int>(error), category};
}

}  // namespace skylark
