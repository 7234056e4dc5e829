/** What an operator should hear before the first fault: settings that work today and hurt in the emergency. */
import type { Log } from '../base/index.ts';
import { SHIPPED_SECRET, type Profile } from '../profile/index.ts';

export function warnOfRisks(profile: Profile, log: Log): void {
  const isLocal = profile.peer.host === '127.0.0.1' || profile.peer.host === 'localhost';
  if (profile.pair.secret === SHIPPED_SECRET && !isLocal)
    log.say({
      level: 'warn',
      code: 'LS_SECRET_SHIPPED',
      text: 'pair.secret is still the shipped one; give both servers a secret of your own',
    });
}
