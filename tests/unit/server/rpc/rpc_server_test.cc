#include "server/rpc/rpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>

#include "introspection.pb.h"
#include "server/rpc/listen_error.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class RpcServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> Watch(grpc::ClientContext* context) {
    v1::WatchJobRequest request;
    request.set_name("jobs/demo");
    auto stream = scheduler_.jobs().WatchJob(context, request);
    v1::WatchJobResponse response;
    EXPECT_TRUE(stream->Read(&response));
    return stream;
  }

  RunningScheduler scheduler_;
};

TEST_F(RpcServerTest, HealthIsServing) {
  grpc::TemplatedGenericStub<test::HealthCheckRequest, test::HealthCheckResponse> stub(
      scheduler_.channel());
  const auto context = MakeContext(absl::Seconds(10));
  test::HealthCheckRequest request;
  test::HealthCheckResponse response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(context.get(), "/grpc.health.v1.Health/Check", {}, &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status(), test::HealthCheckResponse::SERVING);
}

TEST_F(RpcServerTest, ReflectionListsEveryService) {
  grpc::TemplatedGenericStub<test::ServerReflectionRequest, test::ServerReflectionResponse> stub(
      scheduler_.channel());
  grpc::CompletionQueue queue;
  const auto finish_step = [&] {
    void* tag;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto context = MakeContext(absl::Seconds(10));
  const auto call = stub.PrepareCall(
      context.get(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  ASSERT_TRUE(finish_step());
  test::ServerReflectionRequest request;
  request.set_list_services("*");
  call->Write(request, nullptr);
  ASSERT_TRUE(finish_step());
  test::ServerReflectionResponse response;
  call->Read(&response, nullptr);
  ASSERT_TRUE(finish_step());
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  for (const char* name : {"JobService", "DatasetService", "ModelService", "CheckpointService",
                           "WorkerService", "DispatchService", "BlobService"}) {
    EXPECT_THAT(names, Contains(std::string("tune.v1.") + name));
  }
  context->TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  finish_step();
  queue.Shutdown();
  while (finish_step()) {
  }
}

TEST_F(RpcServerTest, APortInUseSaysWhichAndWhatToDo) {
  SystemClock clock;
  prometheus::Registry registry;
  RpcMetrics metrics(registry, clock);
  const auto second = RpcServer::Start(
      scheduler_.engine(), clock, scheduler_.server().address(), grpc::InsecureServerCredentials(),
      metrics, {scheduler_.metrics().uploaded_bytes(), scheduler_.metrics().downloaded_bytes()});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(second.status().message());
  EXPECT_THAT(message, HasSubstr(scheduler_.server().address()));
  EXPECT_THAT(message, HasSubstr("in use"));
  EXPECT_THAT(message, HasSubstr("--listen"));
}

TEST_F(RpcServerTest, AnAddressThatIsNoneIsAnArgumentError) {
  for (const char* address : {"nonsense", "127.0.0.1:http-or-so", "[::1:7"}) {
    EXPECT_EQ(WhyNotListening(address).code(), absl::StatusCode::kInvalidArgument) << address;
  }
  EXPECT_THAT(std::string(WhyNotListening("127.0.0.1:0").message()), HasSubstr("--cert-file"));
}

TEST_F(RpcServerTest, DrainEndsWatchesAtOnce) {
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  const auto context = MakeContext(absl::Seconds(30));
  const auto stream = Watch(context.get());
  scheduler_.server().Drain(absl::Minutes(5));
  v1::WatchJobResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
}

TEST_F(RpcServerTest, DrainCancelsWhatDoesNotEnd) {
  const auto context = MakeContext(absl::Seconds(30));
  v1::UploadBlobResponse response;
  const auto stream = scheduler_.blobs().UploadBlob(context.get(), &response);
  v1::UploadBlobRequest header;
  header.mutable_header()->set_sha256(std::string(64, 'a'));
  header.mutable_header()->set_size_bytes(5);
  ASSERT_TRUE(stream->Write(header));
  scheduler_.server().Drain(absl::Milliseconds(50));
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(RpcServerTest, ADeadlineThatPassedEndsAWatch) {
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  const auto context = MakeContext(absl::Milliseconds(200));
  const auto stream = Watch(context.get());
  v1::WatchJobResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(RpcServerTest, ClientsThatGoLeaveNothingBehind) {
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  const auto open_watches = [&] {
    for (const auto& family : scheduler_.registry().Collect()) {
      if (family.name != "tune_watch_streams") continue;
      for (const auto& metric : family.metric) {
        if (metric.label.at(0).value == "WatchJob") return metric.gauge.value;
      }
    }
    return -1.0;
  };
  EXPECT_EQ(open_watches(), 0);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>>> streams;
  for (int i = 0; i < 20; ++i) {
    contexts.push_back(MakeContext(absl::Seconds(30)));
    streams.push_back(Watch(contexts.back().get()));
  }
  EXPECT_EQ(open_watches(), 20);
  for (int i = 0; i < 20; ++i) {
    contexts[i]->TryCancel();
    EXPECT_EQ(streams[i]->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  while (open_watches() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace tune::server
