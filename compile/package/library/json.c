#include "json.h"

void json_print(json *to, const char *format, ...) {
  va_list values;
  va_start(values, format);
  bool fits = to->used < to->capacity;
  int length = vsnprintf(fits ? to->text + to->used : NULL, fits ? to->capacity - to->used : 0,
                         format, values);
  va_end(values);
  to->used += length > 0 ? (size_t)length : 0;
}

void json_string(json *to, const char *value) {
  json_print(to, "\"");
  for (; *value != 0; value++) {
    bool plain = *value >= ' ' && *value < 127;
    json_print(to, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", plain ? *value : '?');
  }
  json_print(to, "\"");
}

/* Fifteen digits, which is what a double holds of any number. */
void json_number(json *to, double value) {
  if (!(value - value == 0)) {
    json_print(to, "null");
    return;
  }
  int exponent = 0;
  double size = value < 0 ? -value : value;
  for (; size >= 10; exponent++) {
    size /= 10;
  }
  for (; size > 0 && size < 1; exponent--) {
    size *= 10;
  }
  long digits = (long)(size * 1e14 + 0.5);
  json_print(to, "%s%ld.%014lde%d", value < 0 ? "-" : "", digits / 100000000000000,
             digits % 100000000000000, exponent);
}
