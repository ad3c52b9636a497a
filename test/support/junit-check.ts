// What Jenkins and GitLab both take as a JUnit file; there is no official schema. Written from the element and attribute
// lists of the xUnit plug-in's jenkins-junit.xsd and of GitLab's page on unit test reports.

import { SaxesParser } from 'saxes';

export interface JunitCase {
  readonly name: string;
  readonly classname: string;
  readonly failure: { readonly message: string; readonly type: string; readonly text: string } | null;
  readonly error: { readonly message: string; readonly text: string } | null;
  readonly isSkipped: boolean;
  readonly out: string;
}

export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly JunitCase[];
  readonly out: string;
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const attributes: Readonly<Record<string, readonly string[]>> = {
  testsuites: ['name', 'tests', 'failures', 'errors', 'skipped', 'time'],
  testsuite: ['name', 'tests', 'failures', 'errors', 'skipped', 'timestamp', 'time'],
  testcase: ['classname', 'name', 'file', 'line', 'time'],
  failure: ['message', 'type'],
  error: ['message', 'type'],
};
const children: Readonly<Record<string, readonly string[]>> = {
  testsuites: ['testsuite'],
  testsuite: ['testcase', 'system-out'],
  testcase: ['failure', 'error', 'skipped', 'system-out'],
};

/** Throws where a reader would stumble: not well-formed, an unknown element or attribute, counts that do not add up,
 *  two cases of one name (GitLab drops the second). */
export function readJunit(xml: string): JunitSuite[] {
  const root = parse(xml);
  check('testsuites', root);
  const suites = root.children.map(readSuite);
  checkCounts(
    root,
    suites.flatMap(({ cases }) => cases),
  );
  return suites;
}

/** Strict: throws also for characters that XML 1.0 §2.2 has not, as such or as references. */
function parse(xml: string): Element {
  const top: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes: values }) => {
    const element = { name, attributes: values, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(xml).close();
  return top.children[0] ?? top;
}

const childOf = (element: Element, name: string) => element.children.find((one) => one.name === name);
const attributeOf = (element: Element, name: string) => element.attributes[name] ?? '';

function readSuite(suite: Element): JunitSuite {
  check('testsuite', suite);
  const cases = suite.children.filter(({ name }) => name === 'testcase').map(readCase);
  checkCounts(suite, cases);
  const names = cases.map(({ classname, name }) => `${classname} ${name}`);
  if (new Set(names).size !== names.length) throw new Error('two cases of one name');
  return { name: attributeOf(suite, 'name'), cases, out: childOf(suite, 'system-out')?.text ?? '' };
}

function readCase(element: Element): JunitCase {
  check('testcase', element);
  const [failure, error] = [childOf(element, 'failure'), childOf(element, 'error')];
  if (failure !== undefined) check('failure', failure);
  if (error !== undefined) check('error', error);
  return {
    name: attributeOf(element, 'name'),
    classname: attributeOf(element, 'classname'),
    failure:
      failure === undefined
        ? null
        : {
            message: attributeOf(failure, 'message'),
            type: attributeOf(failure, 'type'),
            text: failure.text,
          },
    error: error === undefined ? null : { message: attributeOf(error, 'message'), text: error.text },
    isSkipped: childOf(element, 'skipped') !== undefined,
    out: childOf(element, 'system-out')?.text ?? '',
  };
}

function check(name: string, element: Element): void {
  const strange = [
    ...(element.name === name ? [] : [element.name]),
    ...Object.keys(element.attributes).filter((one) => attributes[name]?.includes(one) !== true),
    ...element.children.map((one) => one.name).filter((one) => children[name]?.includes(one) !== true),
  ];
  if (strange.length > 0) throw new Error(`${name} has ${strange.join(', ')}`);
}

function checkCounts(element: Element, cases: readonly JunitCase[]): void {
  const counts = {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure !== null).length,
    errors: cases.filter(({ error }) => error !== null).length,
    skipped: cases.filter(({ isSkipped }) => isSkipped).length,
  };
  for (const [name, number] of Object.entries(counts)) {
    const said = attributeOf(element, name);
    if (said !== String(number)) throw new Error(`${name} is ${said}, not ${number}`);
  }
}
