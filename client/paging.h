// Lists come in pages (AIP-158); people want the list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "client/context.h"

namespace tune::client {

template <typename Item>
struct Listing {
  std::vector<Item> items;
  bool more = false;  // the list goes on beyond the limit
};

// Fetches pages until `limit` items (0: all) are there. `items` is the response's
// repeated field: &v1::ListJobsResponse::jobs.
template <typename Stub, typename Request, typename Response, typename Item>
absl::StatusOr<Listing<Item>> FetchAll(
    Context& context, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    Request request, const google::protobuf::RepeatedPtrField<Item>& (Response::*items)() const,
    int64_t limit = 0) {
  constexpr int64_t kPage = 1000;
  Listing<Item> listing;
  while (true) {
    const int64_t wanted = limit == 0 ? kPage : limit - static_cast<int64_t>(listing.items.size());
    request.set_page_size(static_cast<int32_t>(std::min(kPage, wanted)));
    auto response = context.Call(method, request);
    if (!response.ok()) return response.status();
    const auto& page = ((*response).*items)();
    listing.items.insert(listing.items.end(), page.begin(), page.end());
    listing.more = !response->next_page_token().empty();
    const bool enough = limit > 0 && static_cast<int64_t>(listing.items.size()) >= limit;
    if (!listing.more || enough) return listing;
    request.set_page_token(response->next_page_token());
  }
}

}  // namespace tune::client
