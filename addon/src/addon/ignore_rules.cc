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

bool IgnoreRules::prunes(const Position& directory, std::string_view name, bool is_directory, Position& below,
                         Scratch& scratch) const {
  bool excluded = false; // as Docker decides, which skips a rule that would change nothing
  bool may_return = false;
  int last = directory.last;
  bool last_excludes = directory.last_excludes;
  if (is_directory) {
    below.states.resize(patterns_.size());
    below.matched.resize(patterns_.size());
  }
  for (size_t i = 0; i < patterns_.size(); i++) {
    const IgnorePattern& pattern = patterns_[i];
    const IgnorePattern::States& before = directory.states[i];
    IgnorePattern::States& states = is_directory ? below.states[i] : scratch.states;
    bool matches = false;
    if (before.empty()) {
      states.clear();
    } else if (is_directory || pattern.may_end_with(name.back())) {
      states = before;
      for (size_t position = 0; position < name.size() && !states.empty();)
        pattern.advance(states, next_code_point(name, position), scratch.next);
      matches = pattern.accepts(states);
    }
    bool matched = directory.matched[i] || (negated_[i] == excluded && matches);
    if (matched)
      excluded = !negated_[i];
    if (matches && static_cast<int>(i) > last) {
      last = static_cast<int>(i);
      last_excludes = !negated_[i];
    }
    if (!is_directory)
      continue;
    below.matched[i] = matched;
    if (!states.empty())
      pattern.advance(states, '/', scratch.next);
    may_return |= negated_[i] && !states.empty();
  }
  if (is_directory) {
    below.last = last;
    below.last_excludes = last_excludes;
  }
  return excluded && last_excludes && !(is_directory && may_return);
}

} // namespace tbuild
