#include "access.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { TOKEN_BYTES = TOKEN_DIGITS / 2, MAX_HOST = 32 };

int access_begin(struct access *access) {
  uint8_t bytes[TOKEN_BYTES];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return -1;
  for (int i = 0; i < TOKEN_BYTES; i++) snprintf(access->token + 2 * i, 3, "%02x", bytes[i]);
  return 0;
}

int access_host(const struct access *access, const char *host) {
  static const char *const NAMES[] = {"localhost", "127.0.0.1"};
  const uint16_t ports[] = {access->port, access->public_port};
  char allowed[MAX_HOST];
  for (int name = 0; name < 2; name++) {
    for (int port = 0; port < 2; port++) {
      snprintf(allowed, sizeof allowed, "%s:%d", NAMES[name], ports[port]);
      if (ports[port] && !strcmp(host, allowed)) return 1;
    }
  }
  return 0;
}

int access_origin(const struct access *access, const char *origin) {
  static const char SCHEME[] = "http://";
  return !strncmp(origin, SCHEME, strlen(SCHEME)) && access_host(access, origin + strlen(SCHEME));
}

const char *access_path(const struct access *access, const char *path) {
  unsigned char differs = 0;
  if (strlen(path) < TOKEN_DIGITS + 2 || path[0] != '/' || path[TOKEN_DIGITS + 1] != '/')
    return NULL;
  for (int i = 0; i < TOKEN_DIGITS; i++)
    differs |= (unsigned char)(path[1 + i] ^ access->token[i]);
  return differs ? NULL : path + TOKEN_DIGITS + 2;
}
