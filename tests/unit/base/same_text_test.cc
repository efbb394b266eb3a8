// SPDX-License-Identifier: Apache-2.0
#include "base/same_text.h"

#include <string>

#include "tests/support/catch.h"

namespace skylark {

TEST_CASE("texts are the same when every byte is", "[base]") {
  const std::string text = "a name of any size, from none to several words";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string same = text.substr(0, size);
    CHECK(same_text(same, std::string(same)));
    CHECK_FALSE(same_text(same, same + '\0'));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = same;
      other[at] = '#';
      CHECK_FALSE(same_text(same, other));
    }
  }
}

}  // namespace skylark
