/** The options as zod schemas: one strict object for each section, so that nothing unknown gets through and all faults come at once. */
import { z } from 'zod';
import { unreachable, type AnyOption } from '../base/index.ts';
import { isOption, type OptionTree } from './sections.ts';
import { sizeFrom } from './sizes.ts';

function leafSchema(option: AnyOption): z.ZodType {
  switch (option.kind) {
    case 'number': {
      const whole = z.int().min(option.min).max(option.max);
      return option.unit === 'bytes' ? z.preprocess(sizeFrom, whole) : whole;
    }
    case 'text':
      return option.isEmptyAllowed ? z.string() : z.string().min(1);
    case 'choice':
      return z.enum(option.choices);
    case 'flag':
      return z.boolean();
    default:
      return unreachable(option);
  }
}

/** A section left out, or left empty (`timing:` and nothing below), has its defaults. */
export const schemaOf = (tree: OptionTree): z.ZodType =>
  z.preprocess(
    (value) => value ?? {},
    z.strictObject(
      Object.fromEntries(
        Object.entries(tree).map(([name, node]) => {
          if (!isOption(node)) return [name, schemaOf(node)];
          const leaf = leafSchema(node);
          return [name, node.isRequired ? leaf : leaf.default(node.default)];
        }),
      ),
    ),
  );
