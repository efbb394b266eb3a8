// SPDX-License-Identifier: Apache-2.0
#include <bitset>
#include <cstring>

#include <boost/container/small_vector.hpp>

#include "base/error.h"
#include "protocol/field_names.h"
#include "protocol/language.h"
#include "protocol/remoting_command.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "protocol/schema/command_generated.h"
#pragma GCC diagnostic pop

namespace skylark {
namespace {

constexpr std::size_t kAlignment = 8;
constexpr std::size_t kBuilderSizeKept = 64 * 1024;

std::string_view view_of(const flatbuffers::String* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

/// Calls `on_pair(name, index)` for each number that has a name here; those from newer peers are passed over. From the last to the first:
/// the writer goes backwards, and headers are read fastest in the order in which they were filled in.
template <class OnPair>
void for_each_known(const flatbuffers::Vector<std::uint16_t>* ids, OnPair on_pair) {
  if (ids == nullptr) return;
  for (flatbuffers::uoffset_t i = ids->size(); i-- > 0;) {
    if (const std::string_view name = field_names::name_of(ids->Get(i)); !name.empty()) on_pair(name, i);
  }
}

template <class Ids, class Values>
bool same_size(const Ids* ids, const Values* values) noexcept {
  return (ids == nullptr ? 0 : ids->size()) == (values == nullptr ? 0 : values->size());
}

bool read_fields(const wire::Command& from, ExtFields& ext) {
  if (!same_size(from.text_ids(), from.text_values()) || !same_size(from.integer_ids(), from.integer_values())) return false;
  for_each_known(from.text_ids(), [&](std::string_view name, auto i) { ext.add_view(name, view_of(from.text_values()->Get(i))); });
  for_each_known(from.integer_ids(), [&](std::string_view name, auto i) { ext.add_integer(name, from.integer_values()->Get(i)); });
  for_each_known(from.true_ids(), [&](std::string_view name, auto) { ext.add_boolean(name, true); });
  for_each_known(from.false_ids(), [&](std::string_view name, auto) { ext.add_boolean(name, false); });
  if (from.named_texts() == nullptr) return true;
  for (const wire::NamedText* text : *from.named_texts()) ext.add_view(view_of(text->name()), view_of(text->value()));
  return true;
}

/// The vectors of one command while it is built.
class FieldWriter {
 public:
  explicit FieldWriter(flatbuffers::FlatBufferBuilder& builder) : builder_(builder) {}

  /// Of several entries of one name the last wins. The vectors have no order among themselves, so only that one may go out: the walk
  /// is backwards and takes the first of each name it meets.
  void write(const ExtFields& ext) {
    for (auto entry = ext.end(); entry != ext.begin();) {
      --entry;
      const std::uint16_t id = field_names::id_of(entry->name);
      if (id == 0) {
        write_named(*entry, ext);
      } else if (!seen_.test(id)) {
        seen_.set(id);
        write_known(id, *entry);
      }
    }
  }

  void finish(const RemotingCommand& command) {
    const auto remark = command.remark.empty() ? 0 : builder_.CreateString(command.remark);
    const auto text_ids = vector_of(text_ids_);
    const auto text_values = vector_of(text_values_);
    const auto integer_ids = vector_of(integer_ids_);
    const auto integer_values = vector_of(integer_values_);
    const auto true_ids = vector_of(true_ids_);
    const auto false_ids = vector_of(false_ids_);
    const auto named_texts = vector_of(named_texts_);
    builder_.Finish(wire::CreateCommand(builder_, command.code, command.opaque, command.flag, command.version,
                                        static_cast<std::int8_t>(command.language), remark, text_ids, text_values, integer_ids,
                                        integer_values, true_ids, false_ids, named_texts));
  }

 private:
  template <class T>
  using Small = boost::container::small_vector<T, 24>;
  using Text = flatbuffers::Offset<flatbuffers::String>;

  void write_known(std::uint16_t id, const ExtFields::Entry& entry) {
    switch (entry.kind) {
      case ExtFields::Kind::text:
        text_ids_.push_back(id);
        text_values_.push_back(builder_.CreateString(entry.text.data(), entry.text.size()));
        return;
      case ExtFields::Kind::integer:
        integer_ids_.push_back(id);
        integer_values_.push_back(entry.number);
        return;
      case ExtFields::Kind::boolean: (entry.number != 0 ? true_ids_ : false_ids_).push_back(id); return;
    }
  }

  void write_named(const ExtFields::Entry& entry, const ExtFields& ext) {
    if (entry.name.empty() || ext.find(entry.name) != &entry) return;
    const auto name = builder_.CreateString(entry.name.data(), entry.name.size());
    const Text value = entry.kind == ExtFields::Kind::text ? builder_.CreateString(entry.text.data(), entry.text.size())
                                                           : builder_.CreateString(ext.text(entry.name).value_or(""));
    named_texts_.push_back(wire::CreateNamedText(builder_, name, value));
  }

  template <class T>
  flatbuffers::Offset<flatbuffers::Vector<T>> vector_of(const Small<T>& values) {
    if (values.empty()) return 0;
    return builder_.CreateVector(values.data(), values.size());
  }

  flatbuffers::FlatBufferBuilder& builder_;
  std::bitset<field_names::kCount + 1> seen_;
  Small<std::uint16_t> text_ids_, integer_ids_, true_ids_, false_ids_;
  Small<Text> text_values_;
  Small<std::int64_t> integer_values_;
  Small<flatbuffers::Offset<wire::NamedText>> named_texts_;
};

}  // namespace

Result<void> decode_flatbuffers_header(std::string_view header, RemotingCommand& into) {
  if (reinterpret_cast<std::uintptr_t>(header.data()) % kAlignment != 0) {
    // Frames lie at any address in the receive buffer, while generated code reads its numbers in place.
    char* aligned = into.ext.allocate(header.size());
    std::memcpy(aligned, header.data(), header.size());
    header = {aligned, header.size()};
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(header.data());
  flatbuffers::Verifier verifier(bytes, header.size());
  if (!wire::VerifyCommandBuffer(verifier)) return make_error_code(Errc::malformed);
  const wire::Command& from = *wire::GetCommand(bytes);
  into.code = from.code();
  into.opaque = from.opaque();
  into.flag = from.flag();
  into.version = from.version();
  into.language = language_from(std::int64_t{from.language()});
  into.remark = view_of(from.remark());
  if (!read_fields(from, into.ext)) return make_error_code(Errc::malformed);
  return {};
}

void encode_flatbuffers_header(const RemotingCommand& command, std::string& out) {
  thread_local flatbuffers::FlatBufferBuilder builder;
  FieldWriter writer(builder);
  writer.write(command.ext);
  writer.finish(command);
  out.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  if (builder.GetSize() > kBuilderSizeKept)
    builder.Reset();
  else
    builder.Clear();
}

}  // namespace skylark
