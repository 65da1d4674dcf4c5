//! The bus on Kafka, by rdkafka.
