#include "server/rpc/job_service.h"

#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/data_check_stream.h"
#include "server/rpc/job_streams.h"
#include "server/rpc/list_page.h"
#include "server/rpc/write_stream.h"

namespace tune::server {
namespace {

// Of what a CreateJobRequest and a CheckJobDataRequest both have.
template <class Request>
absl::StatusOr<NewJob> NewJobFrom(const Request& request, const Identity& caller) {
  NewJob job;
  job.job_id = request.job_id();
  job.labels = {request.job().labels().begin(), request.job().labels().end()};
  job.owner = caller.user;
  ASSIGN_OR_RETURN(job.after, AfterFromProto(request.job()));
  ASSIGN_OR_RETURN(job.after_outcome, AfterOutcomeFromProto(request.job()));
  ASSIGN_OR_RETURN(job.spec, RunSpecFromProto(request.job().spec()));
  return job;
}

absl::StatusOr<NewJob> NewJobToCreate(const v1::CreateJobRequest& request, const Identity& caller) {
  ASSIGN_OR_RETURN(NewJob job, NewJobFrom(request, caller));
  job.request_id = request.request_id();
  job.validate_only = request.validate_only();
  return job;
}

// For a check that goes on as long as somebody waits for the answer.
DataChecks::OnProgress WhileAskedFor(const grpc::CallbackServerContext& context) {
  return [&context](const DataProgress&) {
    return context.IsCancelled() ? absl::CancelledError("the client is gone") : absl::OkStatus();
  };
}

// Of any of the requests that order something of a job.
template <class Request>
absl::StatusOr<Order> OrderFrom(const Request& request, const Identity& caller) {
  ASSIGN_OR_RETURN(const std::string id, ParseName("jobs", request.name()));
  return Order{.job_id = id,
               .reason = request.reason(),
               .request_id = request.request_id(),
               .user = caller.user,
               .validate_only = request.validate_only()};
}

}  // namespace

template <class Request>
grpc::ServerUnaryReactor* JobService::RunOrder(grpc::CallbackServerContext* context,
                                               const Request* request, v1::Job* response,
                                               absl::StatusOr<Job> (Orders::*give)(const Order&)) {
  return RunCall(runtime_, context, response,
                 [this, request, context, give]() -> absl::StatusOr<v1::Job> {
                   ASSIGN_OR_RETURN(const Order order, OrderFrom(*request, IdentityOf(*context)));
                   ASSIGN_OR_RETURN(const Job job, (engine_.orders().*give)(order));
                   return ToProto(job);
                 });
}

grpc::ServerUnaryReactor* JobService::CreateJob(grpc::CallbackServerContext* context,
                                                const v1::CreateJobRequest* request,
                                                v1::Job* response) {
  const auto plan = std::make_shared<absl::StatusOr<SubmitPlan>>();
  const auto is_quick = [this, request, context, plan] {
    const auto new_job = NewJobToCreate(*request, IdentityOf(*context));
    *plan = new_job.ok() ? engine_.submit().MakePlan(*new_job) : new_job.status();
    return !plan->ok() || Submit::IsQuick(**plan);
  };
  const auto create = [this, context, plan]() -> absl::StatusOr<v1::Job> {
    RETURN_IF_ERROR(plan->status());
    ASSIGN_OR_RETURN(const Job job, engine_.submit().CreateJob(**plan, WhileAskedFor(*context)));
    return ToProto(job);
  };
  return RunCallOrCheck(runtime_, context, response, is_quick, create);
}

grpc::ServerWriteReactor<v1::CheckJobDataResponse>* JobService::CheckJobData(
    grpc::CallbackServerContext* context, const v1::CheckJobDataRequest* request) {
  return new WriteStream<v1::CheckJobDataResponse>(
      runtime_, context, &runtime_.drain, [&](std::function<void()> wake) {
        return std::make_unique<DataCheckSource>(engine_, runtime_.checks, runtime_.clock,
                                                 NewJobFrom(*request, IdentityOf(*context)),
                                                 std::move(wake));
      });
}

grpc::ServerUnaryReactor* JobService::GetJob(grpc::CallbackServerContext* context,
                                             const v1::GetJobRequest* request, v1::Job* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Job> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("jobs", request->name()));
    ASSIGN_OR_RETURN(const Job job, engine_.queries().GetJob(id));
    return ToProto(job);
  });
}

grpc::ServerUnaryReactor* JobService::ListJobs(grpc::CallbackServerContext* context,
                                               const v1::ListJobsRequest* request,
                                               v1::ListJobsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ListJobsResponse> {
    ASSIGN_OR_RETURN(const auto states, StatesFromProto(request->states()));
    ASSIGN_OR_RETURN(const auto page, engine_.queries().ListJobs(states, PageOf(*request)));
    v1::ListJobsResponse list;
    list.set_next_page_token(
        page.TokenAfter(AddWhileFits(page.items, list.mutable_jobs(), &ToListedProto)));
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* JobService::CancelJob(grpc::CallbackServerContext* context,
                                                const v1::CancelJobRequest* request,
                                                v1::Job* response) {
  return RunOrder(context, request, response, &Orders::Cancel);
}

grpc::ServerUnaryReactor* JobService::PauseJob(grpc::CallbackServerContext* context,
                                               const v1::PauseJobRequest* request,
                                               v1::Job* response) {
  return RunOrder(context, request, response, &Orders::Pause);
}

grpc::ServerUnaryReactor* JobService::ResumeJob(grpc::CallbackServerContext* context,
                                                const v1::ResumeJobRequest* request,
                                                v1::Job* response) {
  return RunOrder(context, request, response, &Orders::Resume);
}

grpc::ServerUnaryReactor* JobService::RetryJob(grpc::CallbackServerContext* context,
                                               const v1::RetryJobRequest* request,
                                               v1::Job* response) {
  return RunOrder(context, request, response, &Orders::Retry);
}

grpc::ServerUnaryReactor* JobService::DeleteJob(grpc::CallbackServerContext* context,
                                                const v1::DeleteJobRequest* request,
                                                google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("jobs", request->name()));
    RETURN_IF_ERROR(engine_.removal().DeleteJob(id));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobService::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  return new WriteStream<v1::WatchJobResponse>(
      runtime_, context, &runtime_.drain, [&](std::function<void()> wake) {
        return std::make_unique<WatchSource>(engine_, *request, std::move(wake));
      });
}

grpc::ServerWriteReactor<v1::StreamJobLogsResponse>* JobService::StreamJobLogs(
    grpc::CallbackServerContext* context, const v1::StreamJobLogsRequest* request) {
  return new WriteStream<v1::StreamJobLogsResponse>(
      runtime_, context, &runtime_.drain, [&](std::function<void()> wake) {
        return std::make_unique<LogSource>(engine_, *request, std::move(wake));
      });
}

}  // namespace tune::server
