// TLS with real certificates, made for the test: server only, mutual, and the refusals.
#include <gtest/gtest.h>

#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

// An authority, a server certificate for 127.0.0.1 and a client certificate.
constexpr char kMakeCertificates[] = R"(
set -e
cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
for name in server client; do
  openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > $name.ext
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
    -extfile $name.ext -out $name.pem
done
)";

class Transport : public ::testing::Test {
 protected:
  void SetUp() override {
    const RunResult made =
        RunProgram({"/bin/sh", "-c", kMakeCertificates, "sh", folder_.path()}, folder_ / "openssl");
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(Transport, ServerCertificateIsChecked) {
  fleet_.StartScheduler(
      {"--cert-file", folder_ / "server.pem", "--key-file", folder_ / "server.key"});
  EXPECT_EQ(fleet_.Ctl({"list", "--ca-file", folder_ / "ca.pem"}).exit_code, 0);
  EXPECT_EQ(fleet_.Ctl({"list", "--timeout", "5s"}).exit_code, 5) << "plain text to a TLS port";
  const RunResult wrong =
      fleet_.Ctl({"list", "--timeout", "5s", "--ca-file", folder_ / "client.pem"});
  EXPECT_EQ(wrong.exit_code, 5) << "an authority that did not sign the server's certificate";
}

TEST_F(Transport, MutualTlsRefusesAClientWithoutACertificate) {
  fleet_.StartScheduler({"--ca-file", folder_ / "ca.pem", "--cert-file", folder_ / "server.pem",
                         "--key-file", folder_ / "server.key"});
  EXPECT_EQ(fleet_
                .Ctl({"list", "--ca-file", folder_ / "ca.pem", "--cert-file",
                      folder_ / "client.pem", "--key-file", folder_ / "client.key"})
                .exit_code,
            0);
  EXPECT_NE(fleet_.Ctl({"list", "--timeout", "5s", "--ca-file", folder_ / "ca.pem"}).exit_code, 0);
}

TEST_F(Transport, AMissingCertificateFileIsNamed) {
  const RunResult result =
      RunProgram({Program("tune-scheduler"), "--listen", "127.0.0.1:0", "--metrics-listen",
                  "127.0.0.1:0", "--data-dir", folder_ / "data", "--cert-file", folder_ / "no.pem",
                  "--key-file", folder_ / "server.key"},
                 folder_ / "missing", absl::Seconds(20));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("no.pem"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace tune::testing
