

aNoOpb