import clinic.clock
import clinic.db
from clinic.migration_operations import ClinicKeys
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_caps_and_grace'),
        ('automations', '0002_occasions'),
    ]

    operations = [
        migrations.CreateModel(
            name='DateCursor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=clinic.clock.ClinicNow(), editable=False)),
                ('day', models.DateField()),
                ('after_patient', models.BigIntegerField(default=0)),
                ('next_at', models.DateTimeField()),
                ('clinic', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('rule', clinic.db.ClinicForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='date_cursors', to='automations.rule')),
                ('version', clinic.db.ClinicForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='automations.ruleversion')),
            ],
            options={
                'verbose_name': 'date cursor',
                'verbose_name_plural': 'date cursors',
                'indexes': [models.Index(fields=['next_at'], name='date_cursor_next')],
                'constraints': [models.UniqueConstraint(fields=('rule',), name='one_date_cursor_a_rule')],
            },
        ),
        migrations.CreateModel(
            name='Enrolment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=clinic.clock.ClinicNow(), editable=False)),
                ('who', models.CharField(max_length=100, verbose_name='who')),
                ('patient_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, editable=False, size=None)),
                ('per_minute', models.PositiveIntegerField(verbose_name='patients a minute')),
                ('position', models.PositiveIntegerField(default=0, editable=False)),
                ('started', models.PositiveIntegerField(default=0, editable=False, verbose_name='started')),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done'), ('cancelled', 'cancelled')], default='running', max_length=10, verbose_name='state')),
                ('next_at', models.DateTimeField(db_default=clinic.clock.ClinicNow(), editable=False)),
                ('finished_at', models.DateTimeField(editable=False, null=True, verbose_name='finished at')),
                ('clinic', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('rule', clinic.db.ClinicForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to='automations.rule', verbose_name='rule')),
                ('started_by', clinic.db.ClinicForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.membership', verbose_name='by')),
            ],
            options={
                'verbose_name': 'enrolment',
                'verbose_name_plural': 'enrolments',
                'ordering': ('-id',),
                'indexes': [models.Index(condition=models.Q(('state', 'running')), fields=['next_at'], name='enrolment_next')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('rule',), name='one_running_enrolment_a_rule')],
            },
        ),
        ClinicKeys("DateCursor"),
        ClinicKeys("Enrolment"),
    ]
