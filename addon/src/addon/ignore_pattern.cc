#include "code_points.h"
#include "ignore_rules.h"
#include <algorithm>

namespace tbuild {
namespace {

bool is_ascii_word(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

} // namespace

// `[…]`: `position` is behind the bracket, and ends behind the closing one. False: not understood.
bool IgnorePattern::parse_set(const std::vector<char32_t>& text, size_t& position, Token& token) {
  if (position < text.size() && text[position] == '^') {
    token.negated = true;
    position++;
  }
  for (bool first = true;; first = false) {
    if (position >= text.size())
      return false;
    char32_t low = text[position++];
    if (low == ']' && !first)
      return true;
    // Docker's translation rewrites these inside brackets too, and `\d` or `[:alpha:]` are classes of their own there.
    auto understood = [&](char32_t& c) {
      if (c == '\\') {
        if (position >= text.size() || is_ascii_word(text[position]) || text[position] >= 0x80)
          return false;
        c = text[position++];
        return true;
      }
      return c != '*' && c != '?' && c != '[' && c != ']' && c < 0x80;
    };
    if (!understood(low))
      return false;
    char32_t high = low;
    if (position + 1 < text.size() && text[position] == '-' && text[position + 1] != ']') {
      high = text[position + 1];
      position += 2;
      if (!understood(high) || high < low)
        return false;
    }
    token.ranges.emplace_back(low, high);
  }
}

std::optional<IgnorePattern> IgnorePattern::parse(std::string_view pattern) {
  std::vector<char32_t> text = code_points(pattern);
  if (text.size() > 30000) // states are 16 bits wide
    return std::nullopt;
  IgnorePattern out;
  auto push = [&](Kind kind, char32_t literal = 0) { out.tokens_.push_back({kind, false, literal, {}}); };
  for (size_t i = 0; i < text.size();) {
    char32_t c = text[i++];
    if (c == '*' && i < text.size() && text[i] == '*') {
      i++;
      if (i < text.size() && text[i] == '/')
        i++;
      if (i == text.size()) {
        push(Kind::rest);
      } else {
        push(Kind::skip);
        push(Kind::loop);
      }
    } else if (c == '*') {
      push(Kind::star);
    } else if (c == '?') {
      push(Kind::any_but_slash);
    } else if (c == '[') {
      Token token{Kind::set, false, 0, {}};
      if (!parse_set(text, i, token))
        return std::nullopt;
      out.tokens_.push_back(std::move(token));
    } else if (c == '\\') {
      if (i == text.size() || is_ascii_word(text[i]) || text[i] >= 0x80)
        return std::nullopt;
      push(Kind::literal, text[i++]);
    } else if (c == ']' || c == '^') {
      return std::nullopt;
    } else {
      push(Kind::literal, c);
    }
  }
  if (!out.tokens_.empty() && out.tokens_.back().kind == Kind::literal && out.tokens_.back().literal < 0x80)
    out.last_byte_ = static_cast<int>(out.tokens_.back().literal);
  return out;
}

// Adds a state and those that it reaches without a character.
void IgnorePattern::add(States& states, size_t index) const {
  if (std::find(states.begin(), states.end(), index) != states.end())
    return;
  states.push_back(static_cast<uint16_t>(index));
  if (index == tokens_.size())
    return;
  Kind kind = tokens_[index].kind;
  if (kind == Kind::star || kind == Kind::rest || kind == Kind::skip)
    add(states, index + 1);
  if (kind == Kind::skip)
    add(states, index + 2);
}

IgnorePattern::States IgnorePattern::initial() const {
  States states;
  add(states, 0);
  return states;
}

void IgnorePattern::advance(States& states, char32_t c, States& scratch) const {
  scratch.clear();
  for (size_t index : states) {
    if (index == tokens_.size())
      continue;
    const Token& token = tokens_[index];
    bool in_set = false;
    switch (token.kind) {
    case Kind::literal:
      if (token.literal == c)
        add(scratch, index + 1);
      break;
    case Kind::any_but_slash:
      if (c != '/')
        add(scratch, index + 1);
      break;
    case Kind::star:
      if (c != '/')
        add(scratch, index);
      break;
    case Kind::set:
      for (const auto& [low, high] : token.ranges)
        in_set |= low <= c && c <= high;
      if (in_set != token.negated)
        add(scratch, index + 1);
      break;
    case Kind::skip:
      break;
    case Kind::loop: // `(.*/)?`, where `.` is anything but a newline
      if (c == '/')
        add(scratch, index + 1);
      if (c != '\n')
        add(scratch, index);
      break;
    case Kind::rest:
      if (c != '\n')
        add(scratch, index);
      break;
    }
  }
  states.swap(scratch);
}

bool IgnorePattern::accepts(const States& states) const {
  return std::find(states.begin(), states.end(), tokens_.size()) != states.end();
}

} // namespace tbuild
