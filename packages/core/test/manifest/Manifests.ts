/** A manifest in the flat shape. */
export const flat = `schema_version: 1
name: my-redis
description: A small Redis
category: userland
variety: subscription
mask: [/etc/redis/sentinel.conf, /var/log/**]
file_spec: [/etc/redis/**, /var/lib/redis/.gitkeep]
protected_spec: [/etc/redis/redis.conf]
package_spec: [redis-server]
dependencies:
  requires: [powernode/system-base@^1.0]
  recommends: [node-exporter]
`

/** The same in the shape whose name stands under `identity`. */
export const wrapped = `schema_version: 1
identity:
  name: my-redis
  description: A small Redis
  category: userland
  variety: subscription
  cosign_identity_regexp: ^https://registry\\.example\\.com/demo/modules/my-redis@.*$
  cosign_issuer_regexp: ^https://gitea\\.example\\.com$
mask: [/etc/redis/sentinel.conf]
file_spec:
  include: [/etc/redis/**, /var/lib/redis/.gitkeep]
  exclude: [/var/log/**]
protected_spec: [/etc/redis/redis.conf]
package_spec: [redis-server]
dependency_spec:
  - name: powernode/system-base
    version: ^1.0
  - name: node-exporter
    optional: true
`
