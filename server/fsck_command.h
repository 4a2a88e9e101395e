// tune-scheduler fsck: looks through a data folder and says what is harmed.
#pragma once

namespace tune::server {

// `argv[0]` is "fsck". Returns the exit code: 0 whole, 1 harmed or not to be read, 2 usage.
int FsckMain(int argc, char** argv);

}  // namespace tune::server
