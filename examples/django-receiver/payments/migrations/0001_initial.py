"""Messages, and the orders that they pay: `manage.py makemigrations` wrote this."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=50, unique=True)),
                ('cents_paid', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='WebhookMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('webhook_id', models.CharField(max_length=256, unique=True)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
                ('body', models.BinaryField()),
                ('processed_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['received_at'], name='payments_we_receive_084e69_idx')],
            },
        ),
    ]
