CREATE TABLE `my-project`.`shop`.`orders` (`order` STRING, `select` INT64, `Größe` FLOAT64) CLUSTER BY `order`;
