/** The real composition root: a profile and the things of `io`, put together into one running server. */
export { runServer, type RunningServer, type ServerRequest } from './server.ts';
