#ifndef CREPLYTAPE_H
#define CREPLYTAPE_H
int reply_tape_placeholder(void);
#endif
