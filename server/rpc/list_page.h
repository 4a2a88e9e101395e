// Pages of a list are cut by bytes too: a message has a limit, items of a list have none.
#pragma once

#include <google/protobuf/repeated_field.h>

#include <cstdint>
#include <string>
#include <utility>

#include "proto/wire/transport.h"
#include "server/engine/page.h"
#include "server/rpc/conversion.h"

namespace tune::server {

// What the items of one message may take, so that there is room for what is around them.
inline constexpr size_t kMaxPageBytes = size_t{kMaxMessageBytes} / 4 * 3;

// Adds items to `protos`, each made by `to_proto`, until the next would be beyond
// kMaxPageBytes; the first is always added. Returns how many there are.
template <class Items, class Proto, class F>
size_t AddWhileFits(const Items& items, google::protobuf::RepeatedPtrField<Proto>* protos,
                    F&& to_proto) {
  size_t bytes = 0;
  for (const auto& item : items) {
    Proto proto = to_proto(item);
    bytes += proto.ByteSizeLong() + sizeof(uint64_t);  // its tag and length
    if (!protos->empty() && bytes > kMaxPageBytes) break;
    *protos->Add() = std::move(proto);
  }
  return static_cast<size_t>(protos->size());
}

// The same for the page of a List call; returns its next_page_token.
template <class T, class Proto>
std::string PutPage(const Page<T>& page, google::protobuf::RepeatedPtrField<Proto>* protos) {
  const size_t count =
      AddWhileFits(page.items, protos, [](const T& item) -> Proto { return ToProto(item); });
  return page.TokenAfter(count);
}

}  // namespace tune::server
