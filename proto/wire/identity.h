// Who calls: a program names its user in the metadata of every call. The name is taken on
// trust; nothing is allowed or refused because of it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace tune {

// A name as metadata can carry it: what is not printable ASCII becomes '?', and what is beyond
// 128 bytes goes.
std::string MetadataName(const std::string& user);

// Names `user` in every call of a channel; nobody where it is "".
std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> CallsOf(
    const std::string& user);

// The user that the caller named; "" where it named nobody.
std::string UserOf(const grpc::CallbackServerContext& context);

}  // namespace tune
