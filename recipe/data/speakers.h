// Who speaks, by the many names that datasets have for them.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tune {

enum class Speaker { kSystem, kUser, kAssistant, kTool, kToolCall };

// By name, whatever its case: "system", "human", "gpt", "observation", …; nothing for others.
std::optional<Speaker> SpeakerNamed(absl::string_view name);

// What a message's error says of a name that is nobody's.
std::string UnknownSpeaker(const std::string& name);

}  // namespace tune
