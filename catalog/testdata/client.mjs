// Calls every method of Backstage's catalog client against a portal, and checks what comes back.
//
//   node client.mjs PACKAGE BASE_URL FILE_URL
//
// PACKAGE is the folder of @backstage/catalog-client. The portal has what client_test.go describes, and FILE_URL is a file with a component named remote, which it may read.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, base, file] = process.argv.slice(2);
const { CatalogClient, CATALOG_FILTER_EXISTS } = createRequire(join(folder, 'package.json'))(folder);

const requests = [];
const called = new Set();
const client = new Proxy(
  new CatalogClient({
    discoveryApi: { getBaseUrl: async plugin => `${base}/api/${plugin}` },
    fetchApi: {
      fetch: (url, init) => {
        requests.push(`${init.method} ${new URL(url).pathname}`);
        return fetch(url, init);
      },
    },
  }),
  {
    get(target, name) {
      called.add(name);
      return target[name].bind(target);
    },
  },
);

const names = list => list.map(entity => entity?.metadata.name);
const refused = (status, name) => error => {
  assert.equal(error.statusCode, status, error.message);
  assert.equal(error.cause.name, name);
  return true;
};
const eventually = async (what, is) => {
  for (let i = 0; i < 1000; i++) {
    if (await is()) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  assert.fail(`${what}: not so`);
};
const numbered = (from, to) => {
  const list = [];
  for (let i = from; i !== to + Math.sign(to - from || 1); i += Math.sign(to - from || 1)) list.push(`c${String(i).padStart(2, '0')}`);
  return list;
};
const components = { kind: 'Component' };
const byName = order => ({ field: 'metadata.name', order });
const missing = 'url:https://git.invalid/catalog-info.yaml';

const checks = {
  async getEntities() {
    const all = await client.getEntities();
    assert.equal(all.items.length, 12 + 4);
    const ask = async request => names((await client.getEntities({ order: byName('asc'), ...request })).items);
    assert.deepEqual(await ask({ filter: components }), numbered(1, 12));
    assert.deepEqual(await ask({ filter: components, order: byName('desc') }), numbered(12, 1));
    assert.deepEqual(await ask({ filter: { kind: ['Group', 'resource'] } }), ['db', 'sea']);
    assert.deepEqual(await ask({ filter: [{ kind: 'group' }, { kind: 'component', 'spec.type': 'service', 'metadata.tags': ['go', 'rust'] }] }), ['c01', 'c07', 'sea']);
    assert.deepEqual(await ask({ filter: { 'metadata.annotations.example.com/team': CATALOG_FILTER_EXISTS } }), ['c01', 'c02']);
    assert.deepEqual(await ask({ filter: { 'relations.ownedBy': 'group:default/sea', kind: ['resource'] } }), ['db']);
    assert.deepEqual(await ask({ filter: { 'spec.type': [] , kind: 'user' } }), ['jo']);
    assert.deepEqual(await ask({ filter: { 'metadata.title': 'A & B = 100%? #1 ü' } }), ['c03']);
    assert.deepEqual(await ask({ filter: components, limit: 3, offset: 2 }), numbered(3, 5));
    assert.deepEqual(await ask({ filter: components, after: btoa(JSON.stringify({ limit: 2, offset: 5 })) }), numbered(6, 7));
    const { items } = await client.getEntities({
      filter: { 'metadata.name': 'c01' },
      fields: ['kind', 'metadata.annotations.example.com/team', 'relations.0.type', 'nothing'],
    });
    assert.deepEqual(items, [{ kind: 'Component', metadata: { annotations: { 'example.com/team': 'Sea' } }, relations: [{ type: 'ownedBy' }] }]);
    const sorted = await client.getEntities({ filter: components, order: [{ field: 'spec.type', order: 'desc' }, byName('desc')], limit: 7 });
    assert.deepEqual(names(sorted.items), ['c12', 'c10', 'c08', 'c06', 'c04', 'c02', 'c11']);
    await assert.rejects(client.getEntities({ limit: 0 }), refused(400, 'InputError'));
    await assert.rejects(client.getEntities({ fields: ['a[0]'] }), refused(400, 'InputError'));
  },

  async getEntitiesByRefs() {
    const refs = ['component:default/c02', 'component:default/none', 'group:default/sea', 'component:default/c02', 'Component:default/C02'];
    const found = await client.getEntitiesByRefs({ entityRefs: refs, fields: ['metadata.name'] });
    assert.deepEqual(found.items, [{ metadata: { name: 'c02' } }, undefined, { metadata: { name: 'sea' } }, { metadata: { name: 'c02' } }, undefined]);
    const filtered = await client.getEntitiesByRefs({ entityRefs: refs, filter: { kind: 'group' } });
    assert.deepEqual(names(filtered.items), [undefined, undefined, 'sea', undefined, undefined]);
    const both = await client.getEntitiesByRefs({ entityRefs: refs, filter: components, query: { 'spec.type': 'website' } });
    assert.deepEqual(names(both.items), ['c02', undefined, undefined, 'c02', undefined]);
    assert.deepEqual((await client.getEntitiesByRefs({ entityRefs: [] })).items, []);
    const before = requests.length;
    const many = await client.getEntitiesByRefs({ entityRefs: Array(2500).fill('component:default/c01') });
    assert.equal(many.items.length, 2500);
    assert.ok(many.items.every(entity => entity.metadata.name === 'c01'));
    assert.equal(requests.length - before, 3);
  },

  async queryEntities() {
    const everything = await client.queryEntities();
    assert.equal(everything.totalItems, 16);
    assert.equal(everything.items.length, 16);
    assert.deepEqual(everything.pageInfo, {});
    assert.deepEqual(Object.keys(await client.queryEntities({ limit: 0 })), ['items', 'totalItems', 'pageInfo']);

    // There and back, with a filter and with a predicate: both lead to cursors, the second by POST.
    for (const [what, method] of [[{ filter: components }, 'GET'], [{ query: { kind: 'component' } }, 'POST'], [{ query: { kind: 'component' }, filter: [{ 'spec.type': 'service' }, { 'spec.type': ['website'] }] }, 'POST']]) {
      const from = requests.length;
      const pages = [await client.queryEntities({ ...what, limit: 5, orderFields: byName('asc'), fields: ['metadata.name'] })];
      assert.equal(pages[0].pageInfo.prevCursor, undefined);
      assert.deepEqual(Object.keys(pages[0].items[0]), ['metadata']);
      for (;;) {
        const { nextCursor } = pages.at(-1).pageInfo;
        if (!nextCursor) break;
        pages.push(await client.queryEntities({ cursor: nextCursor, limit: 5, fields: ['metadata.name'] }));
      }
      assert.deepEqual(pages.map(page => names(page.items)), [numbered(1, 5), numbered(6, 10), numbered(11, 12)]);
      assert.deepEqual(pages.map(page => page.totalItems), [12, 12, 12]);
      const back = await client.queryEntities({ cursor: pages[2].pageInfo.prevCursor, limit: 5 });
      assert.deepEqual(names(back.items), numbered(6, 10));
      const first = await client.queryEntities({ cursor: back.pageInfo.prevCursor, limit: 5 });
      assert.deepEqual(names(first.items), numbered(1, 5));
      assert.equal(first.pageInfo.prevCursor, undefined);
      const again = await client.queryEntities({ cursor: first.pageInfo.nextCursor, limit: 2 });
      assert.deepEqual(names(again.items), numbered(6, 7));
      assert.ok(requests.slice(from).every(request => request === `${method} /api/catalog/entities/by-query`), requests.slice(from).join());
    }

    const ask = async request => names((await client.queryEntities({ orderFields: byName('asc'), ...request })).items);
    assert.deepEqual(await ask({ filter: components, offset: 10 }), numbered(11, 12));
    assert.deepEqual(await ask({ filter: components, orderFields: [{ field: 'spec.type', order: 'asc' }, byName('desc')], limit: 2 }), ['c11', 'c09']);
    assert.deepEqual(await ask({ fullTextFilter: { term: ' C1 ' } }), numbered(10, 12));
    assert.deepEqual(await ask({ fullTextFilter: { term: 'team se', fields: ['metadata.description', 'metadata.name'] } }), ['sea']);
    assert.deepEqual(await ask({ query: { kind: 'component' }, fullTextFilter: { term: 'c1', fields: ['metadata.name'] } }), numbered(10, 12));
    for (const [query, want] of [
      [{ kind: 'group' }, ['sea']],
      [{ $any: [{ kind: 'group' }, { 'metadata.name': { $in: ['c03', 'c04'] } }] }, ['c03', 'c04', 'sea']],
      [{ $all: [{ kind: 'component' }, { $not: { 'spec.type': 'service' } }, { 'metadata.name': { $hasPrefix: 'C1' } }] }, ['c10', 'c12']],
      [{ 'metadata.annotations.example.com/team': { $exists: true } }, ['c01', 'c02']],
      [{ kind: 'component', 'metadata.tags': { $contains: 'rust' } }, ['c07']],
      [{ relations: { $contains: { type: 'dependsOn', targetRef: 'resource:default/db' } } }, ['c05']],
      [{ relations: { $contains: { type: 'memberOf' } } }, ['jo']],
      [{ $any: [] }, []],
    ]) {
      assert.deepEqual(await ask({ query }), want, JSON.stringify(query));
    }
    const uncounted = await client.queryEntities({ filter: components, totalItems: 'exclude', limit: 1 });
    assert.equal(uncounted.totalItems, 0);
    assert.equal((await client.queryEntities({ cursor: uncounted.pageInfo.nextCursor })).totalItems, 0);
    await assert.rejects(client.queryEntities({ cursor: 'nonsense' }), refused(400, 'InputError'));
    await assert.rejects(client.queryEntities({ query: { $nothing: 1 } }), refused(400, 'InputError'));
  },

  async streamEntities() {
    const sizes = [];
    const found = [];
    for await (const page of client.streamEntities({ filter: components, pageSize: 5, orderFields: byName('asc') })) {
      sizes.push(page.length);
      found.push(...names(page));
    }
    assert.deepEqual(sizes, [5, 5, 2]);
    assert.deepEqual(found, numbered(1, 12));
    for await (const page of client.streamEntities({ query: { kind: 'nothing' } })) assert.equal(page.length, 0);
  },

  async getEntityByRef() {
    const entity = await client.getEntityByRef('COMPONENT:Default/C01');
    assert.equal(entity.metadata.name, 'c01');
    assert.equal(entity.metadata.namespace, 'default');
    assert.ok(entity.metadata.uid && entity.metadata.etag);
    assert.deepEqual(entity.relations, [{ type: 'ownedBy', targetRef: 'group:default/sea' }]);
    assert.deepEqual(await client.getEntityByRef({ kind: 'component', namespace: 'default', name: 'c01' }), entity);
    assert.equal(await client.getEntityByRef('component:default/none'), undefined);
  },

  async getEntityByName() {
    assert.equal((await client.getEntityByName({ kind: 'Group', name: 'sea' })).metadata.name, 'sea');
    assert.equal(await client.getEntityByName({ kind: 'Group', namespace: 'other', name: 'sea' }), undefined);
  },

  async getEntityAncestors() {
    const ancestry = await client.getEntityAncestors({ entityRef: 'component:default/c01' });
    assert.equal(ancestry.rootEntityRef, 'component:default/c01');
    assert.equal(ancestry.items.length, 2);
    const [entity, parent] = ancestry.items;
    assert.equal(entity.entity.metadata.name, 'c01');
    assert.deepEqual(entity.parentEntityRefs, [`location:default/${parent.entity.metadata.name}`]);
    assert.deepEqual(parent.parentEntityRefs, []);
    await assert.rejects(client.getEntityAncestors({ entityRef: 'component:default/none' }), refused(404, 'NotFoundError'));
  },

  async getEntityFacets() {
    const { facets } = await client.getEntityFacets({ facets: ['kind', 'spec.type', 'nothing'], filter: [{ kind: 'component' }, { kind: 'resource' }] });
    assert.deepEqual(facets.kind.map(({ value, count }) => `${value} ${count}`), ['Component 12', 'Resource 1']);
    assert.deepEqual(facets['spec.type'].map(({ value, count }) => `${value} ${count}`), ['database 1', 'service 6', 'website 6']);
    assert.deepEqual(facets.nothing, []);
    const selected = await client.getEntityFacets({ facets: ['relations.ownedBy', 'metadata.tags'], query: { 'spec.type': 'service' }, filter: components });
    assert.deepEqual(selected.facets, { 'relations.ownedBy': [{ value: 'group:default/sea', count: 6 }], 'metadata.tags': [{ value: 'go', count: 1 }, { value: 'rust', count: 1 }] });
  },

  async refreshEntity() {
    assert.equal(await client.refreshEntity('component:default/c01'), undefined);
    await assert.rejects(client.refreshEntity('component:default/none'), refused(404, 'NotFoundError'));
  },

  async removeEntityByUid() {
    const uid = async () => (await client.getEntityByRef('component:default/c12'))?.metadata.uid;
    const before = await uid();
    await client.removeEntityByUid(before);
    await client.removeEntityByUid(before);
    await eventually('the entity is back, as another one', async () => ![undefined, before].includes(await uid()));
  },

  async locations() {
    assert.deepEqual(await client.getLocations(), { items: [] });
    const target = missing.slice('url:'.length);
    const added = await client.addLocation({ target });
    assert.deepEqual(added.entities, []);
    const { location } = added;
    assert.equal(location.type, 'url');
    assert.equal(location.target, target);
    assert.match(location.entityRef, /^location:default\/generated-[0-9a-f]{40}$/);
    await assert.rejects(client.addLocation({ type: 'url', target }), refused(409, 'ConflictError'));
    const again = await client.addLocation({ target, onConflict: 'refresh' });
    assert.deepEqual(again.location, location);
    assert.equal(again.exists, true);
    await assert.rejects(client.addLocation({ type: 'file', target: '/etc/passwd' }), refused(400, 'InputError'));
    await assert.rejects(client.addLocation({ target, dryRun: true }), refused(400, 'InputError'));

    assert.deepEqual((await client.getLocations()).items, [location]);
    assert.deepEqual(await client.getLocationById(location.id), location);
    assert.equal(await client.getLocationById('none'), undefined);
    assert.deepEqual(await client.getLocationByRef(missing), location);
    assert.equal(await client.getLocationByRef(`${missing}x`), undefined);
    await eventually("the location's entity is there", async () => client.getEntityByRef(location.entityRef));
    assert.deepEqual(await client.getLocationByEntity(location.entityRef), location);
    assert.equal(await client.getLocationByEntity('component:default/c01'), undefined);

    const more = [];
    for (let i = 1; i <= 4; i++) more.push((await client.addLocation({ target: `${target}?${i}` })).location);
    const inOrder = [location, ...more].sort((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(await client.queryLocations(), { items: inOrder, totalItems: 5, pageInfo: {} });
    const page = await client.queryLocations({ limit: 2, query: { target: { $hasPrefix: `${target}?` } } });
    assert.equal(page.items.length, 2);
    assert.equal(page.totalItems, 4);
    const rest = await client.queryLocations({ cursor: page.pageInfo.nextCursor });
    assert.deepEqual([...page.items, ...rest.items], inOrder.filter(other => other !== location));
    assert.deepEqual(rest.pageInfo, {});
    const sizes = [];
    for await (const items of client.streamLocations({ limit: 2 })) sizes.push(items.length);
    assert.deepEqual(sizes, [2, 2, 1]);
    await assert.rejects(client.queryLocations({ query: { name: 'x' } }), refused(400, 'InputError'));

    const updated = await client.updateLocation(location.id, { target: `${target}?5` });
    assert.deepEqual(updated, { ...location, target: `${target}?5` });
    await assert.rejects(client.updateLocation(location.id, { target: more[0].target }), refused(409, 'ConflictError'));
    await assert.rejects(client.updateLocation('none', { target: `${target}?6` }), refused(404, 'NotFoundError'));
    for (const { id } of inOrder) await client.removeLocationById(id);
    await assert.rejects(client.removeLocationById(location.id), refused(404, 'NotFoundError'));
    assert.deepEqual(await client.getLocations(), { items: [] });
  },

  async readingLocations() {
    const refs = list => list.map(entity => `${entity.kind}:${entity.metadata.name}`);
    const tried = await client.addLocation({ target: file, dryRun: true });
    assert.equal(tried.exists, false);
    assert.equal(tried.location.target, file);
    assert.deepEqual(refs(tried.entities), [`Location:${tried.location.entityRef.split('/')[1]}`, 'Component:remote']);
    assert.deepEqual((await client.getLocations()).items, []);
    assert.equal(await client.getEntityByRef('component:default/remote'), undefined);

    const { location } = await client.addLocation({ target: file });
    const remote = () => client.getEntityByRef('component:default/remote');
    await eventually('the entity of the file is there', remote);
    assert.deepEqual(await client.getLocationByEntity('component:default/remote'), location);
    assert.equal((await client.addLocation({ target: file, dryRun: true })).exists, true);
    const { items } = await client.getEntityAncestors({ entityRef: 'component:default/remote' });
    assert.deepEqual(refs(items.map(item => item.entity)), ['Component:remote', `Location:${location.entityRef.split('/')[1]}`]);
    await client.refreshEntity('component:default/remote');
    await client.removeLocationById(location.id);
    assert.equal(await remote(), undefined);
  },

  async validateEntity() {
    const entity = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'new' }, spec: { type: 'x', lifecycle: 'y', owner: 'z' } };
    assert.deepEqual(await client.validateEntity(entity, missing), { valid: true });
    delete entity.spec.owner;
    const invalid = await client.validateEntity(entity, missing);
    assert.equal(invalid.valid, false);
    assert.match(invalid.errors[0].message, /owner/);
    assert.ok(invalid.errors[0].name);
    assert.equal((await client.validateEntity(entity, 'file:/x')).valid, false);
  },

  async analyzeLocation() {
    const analysis = await client.analyzeLocation({ location: { type: 'url', target: 'https://git.invalid/acme/shop' } });
    assert.deepEqual(analysis.existingEntityFiles, []);
    assert.equal(analysis.generateEntities.length, 1);
    assert.equal(analysis.generateEntities[0].entity.metadata.name, 'shop');
    assert.deepEqual(analysis.generateEntities[0].fields, []);
    await assert.rejects(client.analyzeLocation({ location: { type: 'url', target: 'nonsense' } }), refused(400, 'InputError'));
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
  } catch (error) {
    failed++;
    console.error(`${name}: ${error.stack}`);
  }
}
// What is internal to the client is called by its other methods.
const internal = ['constructor', 'queryEntitiesByPredicate', 'getEntityFacetsByPredicate', 'requestIgnored', 'requestRequired', 'requestOptional', 'getFilterValue'];
const forgotten = Object.getOwnPropertyNames(CatalogClient.prototype).filter(name => !called.has(name) && !internal.includes(name));
if (forgotten.length > 0) {
  failed++;
  console.error(`not called: ${forgotten.join(', ')}`);
}
process.exitCode = failed > 0 ? 1 : 0;
