#include "base/files.h"
#include "server/store/sqlite_store.h"
#include "tests/unit/server/store/store_conformance.h"

namespace tune::server {
namespace {

std::unique_ptr<Store> OpenSqlite(const std::string& folder, Clock& clock) {
  auto store = SqliteStore::Open(JoinPath(folder, "tune.db"), clock);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, ::testing::Values(&OpenSqlite));

}  // namespace
}  // namespace tune::server
