export { MarketplaceModule } from './marketplace.module.js';
