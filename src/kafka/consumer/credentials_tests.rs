//! A password that changes is one for every client of the consumer.

use super::*;

#[test]
fn a_new_password_is_that_of_all_clients_also_of_those_to_come() {
    let mut consumer = Consumer::new(&KafkaSettings {
        bootstrap_servers: "127.0.0.1:1".into(),
        group_id: "g".into(),
        properties: [("sasl.username", "me"), ("sasl.password", "old")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        queue_kbytes_per_partition: 256,
    })
    .unwrap();
    let told = consumer.credentials();
    let has = |client: &BaseConsumer<Events>| credentials::of(client);
    let live = consumer.aside.client_for(&"t".into(), &"a".into()).unwrap();
    assert_eq!(
        (has(&live), has(&consumer.consumer)),
        (["me", "old"].map(str::to_owned), ["me", "old"].map(str::to_owned))
    );
    told.set("you", "new").unwrap();
    let new = ["you", "new"].map(str::to_owned);
    let later = consumer.aside.client_for(&"t".into(), &"b".into()).unwrap();
    assert!(!Arc::ptr_eq(&live, &later));
    assert_eq!([has(&consumer.consumer), has(&live), has(&later)], [new.clone(), new.clone(), new]);
    // One that is gone is told nothing.
    consumer.aside.keep(|client| Arc::ptr_eq(client, &later));
    drop(live);
    told.set("me", "newer").unwrap();
    assert_eq!(has(&later), ["me", "newer"].map(str::to_owned));
    drop(consumer);
    told.set("nobody", "is there").unwrap();
}
