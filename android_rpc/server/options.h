/* The command line. */
#ifndef RPC_SERVER_OPTIONS_H
#define RPC_SERVER_OPTIONS_H

#include <netinet/in.h>
#include <sched.h>

struct options {
  const char *key;
  const char *work;
  const char *about; /* of the device, for the tracker's summary: JSON, or NULL */
  struct sockaddr_in tracker;    /* family 0: serve without a tracker */
  struct sockaddr_in listen;     /* loopback and a free port, unless asked */
  struct sockaddr_in advertised; /* family 0: the address that is listened on */
  cpu_set_t cpus;                /* of every session, if `pinned` */
  int pinned;
  int threads; /* of every session; 0: one a pinned CPU, or the runtime's choice */
  double session_limit_s; /* 0: as long as the client asks for */
  double idle_limit_s;    /* of a session between two requests */
  int extras;
  int die_with_stdin;
};

/* 0, or -1 after a line on stderr. */
int parse_options(int count, char **words, struct options *options);

#endif
