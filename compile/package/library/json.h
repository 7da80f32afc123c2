/* JSON into a buffer that may be too short: what is written is counted on. */
#ifndef JSON_H
#define JSON_H

#include "system.h"

typedef struct json {
  char *text;
  size_t capacity, used; /* `used` may be more than fits */
} json;

/* As printf; not for what has a decimal point, which is another in some languages. */
void json_print(json *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In quotes; what is not ASCII or a control character becomes a question mark. */
void json_string(json *to, const char *value);

/* null for what is not finite. */
void json_number(json *to, double value);

#endif
