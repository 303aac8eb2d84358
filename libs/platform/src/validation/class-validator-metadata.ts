import { getMetadataStorage } from 'class-validator';

/**
 * Caches metadata per class: class-validator 0.15.1 searches all registered classes at every validation. The result never
 * changes after loading, and we use no validation groups.
 *
 * The version is pinned, and `class-validator-metadata.spec.ts` checks the two methods that are replaced:
 * https://github.com/typestack/class-validator/blob/v0.15.1/src/metadata/MetadataStorage.ts
 */
export function rememberMetadata(): void {
  const storage = getMetadataStorage();
  const search = storage.getTargetValidationMetadatas.bind(storage);
  const group = storage.groupByPropertyName.bind(storage);
  const found = new Map<unknown, ReturnType<typeof search>>();
  const grouped = new WeakMap<object, ReturnType<typeof group>>();
  storage.getTargetValidationMetadatas = (type, ...rest) => {
    if (!found.has(type)) found.set(type, search(type, ...rest));
    return found.get(type)!;
  };
  storage.groupByPropertyName = (metadata) => {
    if (!grouped.has(metadata)) grouped.set(metadata, group(metadata));
    return grouped.get(metadata)!;
  };
}
