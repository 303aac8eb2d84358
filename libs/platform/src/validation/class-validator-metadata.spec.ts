import {
  IsInt,
  IsString,
  MaxLength,
  MetadataStorage,
  getMetadataStorage,
  validateSync,
} from 'class-validator';
import { rememberMetadata } from './class-validator-metadata.js';

class Person {
  @IsString()
  @MaxLength(3)
  name!: string;
}
class Adult extends Person {
  @IsInt()
  age!: number;
}

it('a cached search finds the rules of a class and of its parent, and groups them as class-validator does', () => {
  const storage = getMetadataStorage();
  const search = (type: typeof Person) => storage.getTargetValidationMetadatas(type, '', false, false);
  const [person, adult] = [search(Person), search(Adult)];
  const groups = storage.groupByPropertyName(adult);
  rememberMetadata();
  expect(search(Person)).toEqual(person);
  expect(search(Adult)).toEqual(adult);
  expect(search(Adult)).toBe(search(Adult));
  expect(storage.groupByPropertyName(adult)).toEqual(groups);
  expect(Object.keys(groups).sort()).toEqual(['age', 'name']);
});

it('class-validator validates by the two methods that are replaced', () => {
  const storage = getMetadataStorage();
  expect(storage).toBeInstanceOf(MetadataStorage);
  const search = jest.spyOn(storage, 'getTargetValidationMetadatas');
  const group = jest.spyOn(storage, 'groupByPropertyName');
  const adult = Object.assign(new Adult(), { name: 'Anna', age: 'x' });
  expect(validateSync(adult).map(({ property }) => property)).toEqual(['age', 'name']);
  expect(search.mock.calls[0]![0]).toBe(Adult);
  expect(group).toHaveBeenCalled();
});
