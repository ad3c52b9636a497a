// An action as a row and back. Identity, state and instants are columns, because queries need them; the plan is JSON
// and comes back byte for byte: rollback publishes what it says.

import type { Action, Plan, RrsetChange } from '../../model/change.ts';
import { maxTtl, type Rrset, type RrType } from '../../model/rrset.ts';
import { Fields } from './fields.ts';
import type { Tables } from './schema.ts';
import { isRrType, knownActionKinds, knownActionStates, knownChangeStates, knownGuards } from './words.ts';

function parseRrType(fields: Fields): RrType {
  const type = fields.text('type');
  return isRrType(type) ? type : fields.fail('type', 'a record type');
}

function parseRrset(fields: Fields): Rrset {
  const ttl = fields.count('ttl');
  const rdata = fields.texts('rdata');
  return {
    owner: fields.domainName('owner'),
    type: parseRrType(fields),
    ttl: ttl <= maxTtl ? ttl : fields.fail('ttl', 'a TTL'),
    // An empty set published by a rollback would take the domain off the mail map.
    rdata: rdata.length > 0 ? rdata : fields.fail('rdata', 'a list with a value in it'),
  };
}

function parseChange(fields: Fields): RrsetChange {
  const expected = fields.objectOrNull('expected');
  const desired = fields.objectOrNull('desired');
  return {
    provider: fields.text('provider'),
    zone: fields.domainName('zone'),
    owner: fields.domainName('owner'),
    type: parseRrType(fields),
    expected: expected === null ? null : parseRrset(expected),
    desired: desired === null ? null : parseRrset(desired),
  };
}

function parsePlan(fields: Fields): Plan {
  return {
    id: fields.text('id'),
    digest: fields.text('digest'),
    route: fields.text('route'),
    kind: fields.oneOf('kind', knownActionKinds),
    from: fields.textOrNull('from'),
    to: fields.textOrNull('to'),
    changes: fields.objects('changes').map(parseChange),
    madeAt: fields.number('madeAt'),
  };
}

/** Throws StoreError `store-corrupt` where the row is not an action. */
export function parseAction(row: Tables['action']): Action {
  const fields = Fields.ofRow('action', row.id, { ...row });
  const plan = parsePlan(fields.json('plan'));
  const changeStates = fields.jsonList('change_states').oneOfEach('change_states', knownChangeStates);
  if (changeStates.length !== plan.changes.length) fields.fail('change_states', 'as long as the plan');
  if (plan.route !== fields.text('route') || plan.digest !== fields.text('plan_digest')) {
    fields.fail('plan', 'the plan that the columns name');
  }
  return {
    id: fields.text('id'),
    plan,
    by: fields.line('actor'),
    reason: fields.line('reason'),
    overrides: fields.jsonList('overrides').oneOfEach('overrides', knownGuards),
    leaseToken: fields.count('lease_token'),
    state: fields.oneOf('state', knownActionStates),
    changeStates,
    intendedAt: fields.number('intended_at'),
    appliedAt: fields.numberOrNull('applied_at'),
    confirmedAt: fields.numberOrNull('confirmed_at'),
    clearAt: fields.numberOrNull('clear_at'),
    rollbackOf: fields.textOrNull('rollback_of'),
    note: fields.lineOrNull('note'),
  };
}

export function actionRow(action: Action): Tables['action'] {
  return {
    id: action.id,
    route: action.plan.route,
    kind: action.plan.kind,
    plan_digest: action.plan.digest,
    plan: JSON.stringify(action.plan),
    actor: action.by,
    reason: action.reason,
    overrides: JSON.stringify(action.overrides),
    lease_token: action.leaseToken,
    state: action.state,
    change_states: JSON.stringify(action.changeStates),
    intended_at: action.intendedAt,
    applied_at: action.appliedAt,
    confirmed_at: action.confirmedAt,
    clear_at: action.clearAt,
    rollback_of: action.rollbackOf,
    note: action.note,
  };
}
