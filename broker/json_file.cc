// SPDX-License-Identifier: Apache-2.0
#include "broker/json_file.h"

#include "base/error.h"
#include "base/file_system.h"
#include "base/log.h"

namespace skylark::broker {

Result<json::Value> read_json_file(FileSystem& files, const std::string& path) {
  if (files.exists(path)) {
    const auto text = files.read_all(path);
    if (!text) return text.error();
    if (!text->empty()) {
      if (auto value = json::parse(*text)) return std::move(*value);
    }
    log::warn("{} is empty or broken: its backup is used", path);
  }
  const std::string backup = path + ".bak";
  if (!files.exists(backup)) return json::Value{};
  const auto text = files.read_all(backup);
  if (!text) return text.error();
  if (text->empty()) return json::Value{};
  auto value = json::parse(*text);
  if (!value) return make_error_code(Errc::malformed);
  return std::move(*value);
}

Result<void> write_json_file(FileSystem& files, const std::string& path, std::string_view text) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  if (const auto made = files.create_folders(folder); !made) return made.error();
  if (files.exists(path)) {
    if (const auto before = files.read_all(path); before && !before->empty()) {
      if (const auto kept = files.write_all(path + ".bak", *before, false); !kept) return kept.error();
    }
  }
  const std::string fresh = path + ".tmp";
  if (const auto written = files.write_all(fresh, text, true); !written) return written.error();
  if (const auto renamed = files.rename(fresh, path); !renamed) return renamed.error();
  return files.sync_folder(folder);
}

}  // namespace skylark::broker
