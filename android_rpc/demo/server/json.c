#include "json.h"

#include <string.h>

#include "utf8.h"

enum { MAX_DEPTH = 16, MAX_DIGITS = 9 };

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

static int is_digit(const char *at, const char *end) { return at < end && *at >= '0' && *at <= '9'; }

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/* The four digits of a \u: their number, or -1. */
static int32_t read_hex(const char *at, const char *end) {
  int32_t number = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

/* All skip_... return what follows a value that is well formed, or NULL. */

static const char *skip_string(const char *at, const char *end) {
  if (at == end || *at++ != '"') return NULL;
  while (at < end && *at != '"') {
    if ((unsigned char)*at < 0x20) return NULL;
    if (*at != '\\') {
      size_t length = utf8_length((const uint8_t *)at, (size_t)(end - at));
      if (!length) return NULL;
      at += length;
    } else if (++at == end) {
      return NULL;
    } else if (*at == 'u') {
      if (read_hex(at + 1, end) < 0) return NULL;
      at += 5;
    } else if (*at && strchr("\"\\/bfnrt", *at)) {
      at++;
    } else {
      return NULL;
    }
  }
  return at < end ? at + 1 : NULL;
}

static const char *skip_digits(const char *at, const char *end) {
  if (!is_digit(at, end)) return NULL;
  while (is_digit(at, end)) at++;
  return at;
}

static const char *skip_number(const char *at, const char *end) {
  if (at < end && *at == '-') at++;
  if (at < end && *at == '0')
    at++;
  else
    at = skip_digits(at, end);
  if (at && at < end && *at == '.') at = skip_digits(at + 1, end);
  if (at && at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = skip_digits(at, end);
  }
  return at;
}

static const char *skip_word(const char *at, const char *end, const char *word) {
  size_t length = strlen(word);
  return (size_t)(end - at) >= length && !memcmp(at, word, length) ? at + length : NULL;
}

static const char *skip_value(const char *at, const char *end, int depth);

static const char *skip_name(const char *at, const char *end) {
  if (!(at = skip_string(at, end))) return NULL;
  at = skip_space(at, end);
  return at < end && *at == ':' ? skip_space(at + 1, end) : NULL;
}

/* An array or an object, from its bracket on. */
static const char *skip_items(const char *at, const char *end, int depth) {
  char last = *at == '{' ? '}' : ']';
  int named = *at == '{';
  at = skip_space(at + 1, end);
  if (at < end && *at == last) return at + 1;
  for (;;) {
    if (named && !(at = skip_name(at, end))) return NULL;
    if (!(at = skip_value(at, end, depth - 1))) return NULL;
    at = skip_space(at, end);
    if (at == end || (*at != ',' && *at != last)) return NULL;
    if (*at++ == last) return at;
    at = skip_space(at, end);
  }
}

static const char *skip_value(const char *at, const char *end, int depth) {
  if (at == end || depth == 0) return NULL;
  switch (*at) {
    case '{':
    case '[': return skip_items(at, end, depth);
    case '"': return skip_string(at, end);
    case 't': return skip_word(at, end, "true");
    case 'f': return skip_word(at, end, "false");
    case 'n': return skip_word(at, end, "null");
    default: return skip_number(at, end);
  }
}

int json_read(const char *text, size_t size, struct json *value) {
  const char *end = text + size;
  value->text = skip_space(text, end);
  value->end = skip_value(value->text, end, MAX_DEPTH);
  return value->end && skip_space(value->end, end) == end ? 0 : -1;
}

int json_member(struct json object, const char *name, struct json *value) {
  if (*object.text != '{') return -1;
  size_t length = strlen(name);
  const char *at = skip_space(object.text + 1, object.end);
  while (*at == '"') {
    const char *key = at + 1;
    at = skip_name(at, object.end);
    value->text = at;
    value->end = at = skip_value(at, object.end, MAX_DEPTH);
    if (!strncmp(key, name, length) && key[length] == '"') return 0;
    at = skip_space(at, object.end);
    if (*at == ',') at = skip_space(at + 1, object.end);
  }
  return -1;
}

int json_item(struct json array, size_t place, struct json *value) {
  if (*array.text != '[') return -1;
  const char *at = skip_space(array.text + 1, array.end);
  while (*at != ']') {
    value->text = at;
    value->end = skip_value(at, array.end, MAX_DEPTH);
    if (place-- == 0) return 0;
    at = skip_space(value->end, array.end);
    if (*at == ',') at = skip_space(at + 1, array.end);
  }
  return -1;
}

/* The character of an escape, after its backslash; surrogates of a pair are read together. */
static int32_t read_escape(const char **at, const char *end) {
  static const char NAMES[] = "\"\\/bfnrt", MEANS[] = "\"\\/\b\f\n\r\t";
  char name = *(*at)++;
  if (name != 'u') return MEANS[strchr(NAMES, name) - NAMES];
  int32_t first = read_hex(*at, end);
  *at += 4;
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return -1;
  int32_t second = read_hex(*at + 2, end);
  *at += 6;
  if (second < 0xdc00 || second > 0xdfff) return -1;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

int json_string(struct json value, char *text, size_t capacity) {
  if (*value.text != '"') return -1;
  const char *at = value.text + 1, *end = value.end - 1;
  size_t used = 0;
  while (at < end) {
    char bytes[4];
    size_t length = 1;
    if (*at == '\\') {
      at++;
      int32_t character = read_escape(&at, end);
      if (character <= 0) return -1;
      length = utf8_write((uint32_t)character, bytes);
    } else {
      bytes[0] = *at++;
    }
    if (length >= capacity - used) return -1;
    memcpy(text + used, bytes, length);
    used += length;
  }
  text[used] = '\0';
  return 0;
}

int json_integer(struct json value, int32_t least, int32_t most, int32_t *number) {
  const char *at = value.text;
  int negative = *at == '-';
  at += negative;
  if (value.end - at > MAX_DIGITS || !is_digit(at, value.end)) return -1;
  int32_t magnitude = 0;
  for (; at < value.end; at++) {
    if (!is_digit(at, value.end)) return -1;
    magnitude = magnitude * 10 + (*at - '0');
  }
  *number = negative ? -magnitude : magnitude;
  return *number >= least && *number <= most ? 0 : -1;
}
