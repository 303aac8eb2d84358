import type { ServiceDto } from '#contracts';
import { aboutService } from './tool-results.js';

it('truncates a long text of a user, but splits no character', () => {
  const master = { id: '', name: 'Анна', avatar: null, rating: null, reviews_count: 0 };
  const service: ServiceDto = {
    id: '',
    name: 'Маникюр',
    description: `a${'🌸'.repeat(200)}`,
    price: 1,
    duration: 60,
    master,
    created_at: '',
  };
  const { description } = aboutService(service);
  expect(description).toMatch(/^a(🌸){149}.…$/u);
  expect(description!.isWellFormed()).toBe(true);
});
