/** What operators do to a pair at any moment. */
import type { Strike } from './fault.ts';

export const switchover: Strike = ({ machine }) => machine.server?.pair.askSwitchover('an operator');

/** A clean stop; the process is started again as any that has ended. */
export const restart: Strike = ({ machine }) => machine.stop('an operator');
