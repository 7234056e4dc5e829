/** `lockstep rule`: what clients may do with topics. Rules have no order; what one denies, no other allows. */
import { Argument, Option, type Command } from 'commander';
import type { AccessChange, AccessListing } from '../admin/index.ts';
import { changed, listed } from './access.ts';
import { onServer, type ServerName, type TargetOptions } from './target.ts';

type Rule = AccessListing['rules'][number];
type RuleOptions = TargetOptions & Readonly<{ clientId?: string }>;

export function addRule(program: Command): void {
  const rule = program
    .command('rule')
    .description('access rules: what clients may do with topics; ask either server');
  ofOneRule(
    onServer(rule, 'add', 'adds a rule; from the first one on, what no rule allows is denied'),
    'addRule',
  );
  ofOneRule(
    onServer(rule, 'remove', 'removes a rule, given in the words in which it is listed'),
    'removeRule',
  );
  onServer(rule, 'list', 'lists the rules, each in the words that add and remove take').action(
    async (server: ServerName, options: TargetOptions) => {
      const { rules } = await listed(server, options);
      if (rules.length === 0)
        console.log('there are no rules: every client that may connect may do everything');
      for (const line of rules.map((one) => wordsOf(one).map(quoted).join(' ')).sort()) console.log(line);
    },
  );
}

function ofOneRule(command: Command, type: 'addRule' | 'removeRule'): void {
  command
    .addArgument(new Argument('<effect>', 'what the rule does').choices(['allow', 'deny']))
    .argument('<who>', "a user's name, or * for everybody, anonymous clients too (quote it)")
    .addArgument(new Argument('<action>', 'what it is about').choices(['publish', 'subscribe', 'both']))
    .argument('<filter>', 'a topic filter; %u stands for the name of the user, %c for the client identifier')
    .addOption(
      new Option(
        '--client-id <pattern>',
        'only under client identifiers like this; * stands for any characters',
      ),
    )
    .action(
      async (
        server: ServerName,
        effect: Rule['effect'],
        who: string,
        action: Rule['action'],
        filter: string,
        options: RuleOptions,
      ) => {
        const rule: Rule = { effect, who, action, filter, clientId: options.clientId ?? null };
        const change: AccessChange = { type, rule };
        const done = type === 'addRule' ? 'added' : 'removed';
        await changed(server, options, change, `${done} rule ${wordsOf(rule).map(quoted).join(' ')}`);
      },
    );
}

const wordsOf = ({ effect, who, action, filter, clientId }: Rule): string[] => [
  effect,
  who,
  action,
  filter,
  ...(clientId === null ? [] : ['--client-id', clientId]),
];

/** For a shell. */
const quoted = (word: string): string =>
  /^[A-Za-z0-9_./%@:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
