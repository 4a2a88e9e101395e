// What of a spec a resumed run must share with its checkpoint: the fields that alter what is
// learned (SpecField::alters_result). A checkpoint keeps them as JSON, which a program of another
// release may read.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "run/spec.h"

namespace tune {

struct SpecIdentity {
  Json fields;                        // by their names, as RunSpecToJson writes them
  std::vector<std::string> defaults;  // those of them that have their default
};

SpecIdentity IdentityOf(const RunSpec& spec);

// Every difference: "learning_rate: the checkpoint has 0.01, this run 0.02". A field that
// `stored` lacks has its default there: the program that wrote it did not have the field yet. One
// that only `stored` has counts unless it had its default.
std::vector<std::string> IdentityDifferences(const SpecIdentity& stored, const SpecIdentity& ours);

}  // namespace tune
