-- Orders the changes of subscriptions to topics. Taken under the lock that serializes the changes of a topic and user.
CREATE SEQUENCE "subscription_version";
