import { z } from 'zod';
import { readAddress } from '../../registry/address.js';
import { parseCursor } from '../../runtime/event-cursor.js';
import { clusterName, MAX_WAIT_MS, productName, readBy, time, wholeNumber } from '../nacos/parameters.js';

/** The default and maximum number of rows in a page. */
const PAGE = 100;
export const MAX_PAGE = 1_000;

/** Numbers of at most 15 digits are exact. */
const LARGEST = 999_999_999_999_999;

const count = () => wholeNumber(0, LARGEST, 15, 'is not a whole number');

const limit = wholeNumber(1, MAX_PAGE, 15, 'is not a whole number', `is outside 1 to ${MAX_PAGE}`)
  .prefault(PAGE)
  .meta({ description: `Rows of the page, 1 to ${MAX_PAGE}.` });

const wait = (description: string) => time(MAX_WAIT_MS, '30s').prefault('0s').meta({ description });

export const clusterParams = z.strictObject({ product: productName, cluster: clusterName });

export const memberParams = clusterParams.extend({
  address: readBy(readAddress).meta({
    description: '`HOST:PORT` as it is listed; 8848 without a port, IPv6 in brackets.',
  }),
});

export const clustersQuery = z.strictObject({
  after: z
    .string()
    .optional()
    .meta({ description: 'Only those after this one, as `product/cluster`: the `next` of the page before.' }),
  limit,
});

export const clusterQuery = z.strictObject({
  revision: count().optional().meta({
    description: 'A revision that is known already: the answer waits until the list has another one.',
  }),
  wait: wait('How long to wait for another revision, up to `60s`; the cluster as it is then is answered.'),
});

export const eventsQuery = z.strictObject({
  before: count().optional().meta({
    description: 'Only events with a smaller number, newest first: the `next` of the page before.',
  }),
  after: count().optional().meta({
    description: 'Only events with a larger number, oldest first: the `next` of the page before.',
  }),
  limit,
});

const flag = () =>
  z
    .enum(['true', 'false'], 'is neither true nor false')
    .prefault('false')
    .transform((text) => text === 'true');

export const memberQuery = z.strictObject({
  settled: flag().meta({ description: '200 only when it is listed and has settled: see the answer 409.' }),
});

export const healthQuery = z.strictObject({
  fresh: flag().meta({
    description:
      'Ask the nodes now instead of reporting the last look. It takes up to 3 s, and as long again while a look is under way.',
  }),
});

const survivor = readBy(readAddress)
  .optional()
  .meta({
    description:
      'The member whose data is to be kept in Raft groups that have no leader. The settled member at the highest term, ' +
      'and of equal terms the first on the list, if left out.',
  });

export const planQuery = z.strictObject({ survivor });

export const repairQuery = z.strictObject({
  plan: z
    .string()
    .regex(/^\w{1,64}$/, 'is not the id of a plan')
    .meta({ description: 'The `id` of the plan that was looked at: only that one is carried out.' }),
  survivor,
});

export const recoverQuery = z.strictObject({
  repaired: flag().meta({
    description:
      'Confirm instead that Raft of a recovered list has its leaders again, where the server cannot see it: the waiting nodes may join.',
  }),
});

export const leaveQuery = z.strictObject({
  wait: wait(
    'How long to wait until every other live member has the list without it, up to `60s`; `15s` is comfortable.',
  ),
  force: flag().meta({ description: 'Take it off in spite of the harm: see the answer 409.' }),
});

export const streamQuery = z.strictObject({
  cluster: z
    .string()
    .transform((text, context) => {
      const [product = '', name = '', ...rest] = text.split('/');
      const read = clusterParams.safeParse({ product, cluster: name });
      if (read.success && rest.length === 0) return { product, name };
      context.addIssue('is not of the form product/cluster, such as nacos/serverlist');
      return z.NEVER;
    })
    .optional()
    .meta({
      description: 'A cluster to report in full, as `product/cluster`.',
    }),
  after: readBy(parseCursor)
    .optional()
    .meta({
      description:
        'The number of the last event that is known, or the `id` of the last message: those after it come first. ' +
        'The header `Last-Event-ID`, which browsers send by themselves, takes precedence.',
    }),
});
