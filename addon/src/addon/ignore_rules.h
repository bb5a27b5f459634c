// The rules of an ignore file, followed down a tree. Patterns mean what they mean to Docker (moby/patternmatcher).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tbuild {

// One pattern as a small state machine over code points.
class IgnorePattern {
public:
  // None when the pattern holds something whose meaning only Docker's regular expressions know.
  static std::optional<IgnorePattern> parse(std::string_view pattern);

  using States = std::vector<uint16_t>;
  States initial() const;
  void advance(States& states, char32_t c, States& scratch) const;
  bool accepts(const States& states) const;
  // False when nothing that ends with this byte can match: most names of a `**/*.log` are settled by their last letter.
  bool may_end_with(char last) const { return last_byte_ < 0 || last_byte_ == static_cast<unsigned char>(last); }

private:
  enum class Kind : uint8_t { literal, any_but_slash, star, set, skip, loop, rest };
  struct Token {
    Kind kind;
    bool negated = false;
    char32_t literal = 0;
    std::vector<std::pair<char32_t, char32_t>> ranges;
  };
  void add(States& states, size_t index) const;
  static bool parse_set(const std::vector<char32_t>& text, size_t& position, Token& token);
  std::vector<Token> tokens_;
  int last_byte_ = -1; // of every match; -1: any
};

struct IgnoreRule {
  std::string pattern;
  bool negated;
};

class IgnoreRules {
public:
  explicit IgnoreRules(const std::vector<IgnoreRule>& rules);

  // What is known about a directory: everything below it continues from here.
  struct Position {
    std::vector<IgnorePattern::States> states;
    std::vector<bool> matched; // by Docker's algorithm
    bool last_excludes = false;
    int last = -1;
  };
  // Room for the work on one entry, kept between them.
  struct Scratch {
    IgnorePattern::States states, next;
  };
  Position root() const;
  // Whether the entry `name` of the directory can be left out: for sure excluded, and so is all below it.
  // Otherwise, for a directory, `below` becomes its own position; for anything else `below` is left alone.
  bool prunes(const Position& directory, std::string_view name, bool is_directory, Position& below,
              Scratch& scratch) const;

private:
  std::vector<IgnorePattern> patterns_;
  std::vector<bool> negated_;
};

} // namespace tbuild
