#include "ignore_rules.h"
#include "code_points.h"

namespace tbuild {

IgnoreRules::IgnoreRules(const std::vector<IgnoreRule>& rules) {
  for (const IgnoreRule& rule : rules) {
    auto pattern = IgnorePattern::parse(rule.pattern);
    if (!pattern) {
      // One rule of unknown meaning can change what each later rule does; leave nothing out.
      patterns_.clear();
      negated_.clear();
      return;
    }
    patterns_.push_back(std::move(*pattern));
    negated_.push_back(rule.negated);
  }
}

IgnoreRules::Position IgnoreRules::root() const {
  Position position;
  for (const IgnorePattern& pattern : patterns_)
    position.states.push_back(pattern.initial());
  position.matched.resize(patterns_.size());
  return position;
}

bool IgnoreRules::prunes(const Position& directory, std::string_view name, bool is_directory, Position& below) const {
  below = directory;
  IgnorePattern::States scratch;
  bool excluded = false; // as Docker decides, which skips a rule that would change nothing
  bool may_return = false;
  for (size_t i = 0; i < patterns_.size(); i++) {
    const IgnorePattern& pattern = patterns_[i];
    IgnorePattern::States& states = below.states[i];
    for (size_t position = 0; position < name.size() && !states.empty();)
      pattern.advance(states, next_code_point(name, position), scratch);
    bool matches = pattern.accepts(states);
    if (!directory.matched[i])
      below.matched[i] = negated_[i] == excluded && matches;
    if (below.matched[i])
      excluded = !negated_[i];
    if (matches && static_cast<int>(i) > below.last) {
      below.last = static_cast<int>(i);
      below.last_excludes = !negated_[i];
    }
    if (!states.empty())
      pattern.advance(states, '/', scratch);
    may_return |= negated_[i] && !states.empty();
  }
  return excluded && below.last_excludes && !(is_directory && may_return);
}

} // namespace tbuild
