/* Who may ask: whoever knows the token, under this server's own address, from its own page. */
#ifndef DEMO_ACCESS_H
#define DEMO_ACCESS_H

#include <stdint.h>

enum { TOKEN_DIGITS = 32 };

struct access {
  char token[TOKEN_DIGITS + 1];
  uint16_t port;        /* that is listened on */
  uint16_t public_port; /* by which the browser comes, where a tunnel leads here; else 0 */
};

/* Draws the token: 0, or -1 where the kernel has no random bytes. */
int access_begin(struct access *access);

/* Whether a Host field is loopback and one of the ports. */
int access_host(const struct access *access, const char *host);

/* Whether an Origin field is this server's page. */
int access_origin(const struct access *access, const char *origin);

/* What follows /TOKEN/ in a path, or NULL; takes as long for each wrong token. */
const char *access_path(const struct access *access, const char *path);

#endif
