

aNoOpb
ÿÿÿÿ
a