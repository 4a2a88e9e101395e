// A small lease: a model of two files and one dataset.
#pragma once

#include <string>

#include "base/sha256.h"
#include "fakes.h"
#include "tune/v1/workers.pb.h"

namespace tune::worker {

inline v1::FileEntry EntryOf(const std::string& path, const std::string& content) {
  v1::FileEntry file;
  file.set_path(path);
  file.set_size_bytes(static_cast<int64_t>(content.size()));
  file.set_sha256(Sha256Hex(content));
  return file;
}

inline v1::Lease TestLease() {
  v1::Lease lease;
  lease.mutable_key()->set_job("jobs/j");
  lease.mutable_key()->set_epoch(5);
  lease.set_attempt(2);
  lease.set_spec_json(R"({"model":"models/m","datasets":[{"dataset":"datasets/d"}],"max_steps":4,)"
                      R"("checkpoint_every":10,"keep_checkpoints":2})");
  *lease.add_model_files() = EntryOf("config.json", "{}");
  *lease.add_model_files() = EntryOf("model.safetensors", "weights");
  lease.add_datasets()->set_name("datasets/d");
  *lease.mutable_datasets(0)->mutable_file() = EntryOf("train.jsonl", "rows");
  lease.mutable_datasets(0)->set_max_bad_rows(3);
  return lease;
}

// Puts the contents that TestLease names into the store.
inline void PutBlobs(FakeControlPlane& control) {
  for (const char* content : {"{}", "weights", "rows"}) control.PutBlob(content);
}

}  // namespace tune::worker
