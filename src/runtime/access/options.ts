/** Profile section `access`: who may connect at all. Users and rules are no options: they are replicated, and changed while servers run. */
import { choice, type Options } from '../../base/index.ts';

export const accessOptions = {
  anonymous: choice(
    'allow',
    ['allow', 'deny'] as const,
    'Whether clients that give no user name may connect. With allow, whoever reaches the port may do what the rules let everybody do, and everything while there are no rules: keep it to loopback and trusted networks. Give deny once there are users (`lockstep user add`). The same on both servers.',
  ),
  certificateNames: choice(
    'ignore',
    ['ignore', 'known', 'any'] as const,
    'Whether the name in a client certificate is the user. known: it is, and must be one of the users (`lockstep user add --no-password`), so that removing the user locks the certificate out. any: it is, whatever it is; whoever signs certificates makes users. ignore: it is not. The same on both servers.',
  ),
} as const;

export type AccessOptions = Options<typeof accessOptions>;
