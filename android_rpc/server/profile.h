/* How long each call of a virtual machine takes. */
#ifndef RPC_SERVER_PROFILE_H
#define RPC_SERVER_PROFILE_H

/* Registers depthbench.profile, which makes an instrument for `set_instrument`, and
   depthbench.profile_times, which returns what it has seen: lines of "FUNCTION NANOSECONDS" in
   the order in which the calls ended. 0, or -1. */
int register_profile(void);

#endif
