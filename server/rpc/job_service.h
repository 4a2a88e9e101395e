// tune.v1.JobService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::server {

class JobService : public v1::JobService::CallbackService {
 public:
  JobService(Engine& engine, const CallRuntime& runtime) : engine_(engine), runtime_(runtime) {}

  grpc::ServerUnaryReactor* CreateJob(grpc::CallbackServerContext* context,
                                      const v1::CreateJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerWriteReactor<v1::CheckJobDataResponse>* CheckJobData(
      grpc::CallbackServerContext* context, const v1::CheckJobDataRequest* request) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* PauseJob(grpc::CallbackServerContext* context,
                                     const v1::PauseJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const v1::ResumeJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* RetryJob(grpc::CallbackServerContext* context,
                                     const v1::RetryJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const v1::DeleteJobRequest* request,
                                      google::protobuf::Empty* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;
  grpc::ServerWriteReactor<v1::StreamJobLogsResponse>* StreamJobLogs(
      grpc::CallbackServerContext* context, const v1::StreamJobLogsRequest* request) override;

 private:
  template <class Request>
  grpc::ServerUnaryReactor* RunOrder(grpc::CallbackServerContext* context, const Request* request,
                                     v1::Job* response,
                                     absl::StatusOr<Job> (Orders::*give)(const Order&));

  Engine& engine_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
