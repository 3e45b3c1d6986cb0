import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as nestBullmq from '@nestjs/bullmq';
import * as bullmq from 'bullmq';
import * as redflow from '../../lib/index.js';

interface Member {
  readonly object: string;
  readonly member: string;
}

/** What the table mentions in one column: `Name` that is exported somewhere, and `object.member()`. */
function mentioned(column: 1 | 2): { names: string[]; members: Member[] } {
  const page = readFileSync('docs/recipes/from-bullmq.md', 'utf8');
  const cells = [...page.matchAll(/^\|(.*)\|(.*)\|$/gm)].slice(2).map((row) => row[column]);
  const code = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text));
  return {
    names: code.flatMap((text) => /^@?([A-Z]\w+)/.exec(text)?.slice(1) ?? []),
    members: code.flatMap((text) => [...text.matchAll(/\b(\w+)\.(\w+)\(/g)].map(([, object, member]) => ({ object, member }))),
  };
}

describe('the table of names from @nestjs/bullmq', () => {
  it('has names of theirs on the left', () => {
    const { names, members } = mentioned(1);
    expect(names.filter((name) => !(name in bullmq) && !(name in nestBullmq))).toEqual([]);
    expectMembers(members, { job: bullmq.Job, queue: bullmq.Queue, worker: bullmq.Worker, BullModule: nestBullmq.BullModule });
  });

  it('has names of ours on the right', () => {
    const { names, members } = mentioned(2);
    expect(names.filter((name) => !(name in redflow) && !(name in globalThis))).toEqual([]);
    expectMembers(members, { client: redflow.RedflowClient, RedflowModule: redflow.RedflowModule });
  });
});

function expectMembers(members: Member[], classes: Record<string, { prototype: object }>): void {
  const ofClasses = members.filter(({ object }) => object in classes);
  const isMember = ({ object, member }: Member) => member in classes[object] || member in classes[object].prototype;
  expect(ofClasses.length).toBeGreaterThan(5);
  expect(ofClasses.filter((candidate) => !isMember(candidate))).toEqual([]);
}
